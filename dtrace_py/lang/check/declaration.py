"""Declarations outside clauses: variables and typedefs (contract V9, D1); others are in check/definitions.py."""

from __future__ import annotations

from dtrace_py.lang.check.types import (
    around,
    check_depth,
    check_name,
    check_object,
    check_twins,
    resolve,
    specified_type,
)
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.intrinsics import INTRINSICS
from dtrace_py.lang.program import Variable
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.types import ArrayType, StringType, Type, is_scalar, named, same


def declare(node: ast.Outer, scope: Scope) -> None:
    """Enter what is declared into the scope."""
    match node:
        case ast.Declaration(declarators=()):
            specified_type(scope, node.specifier)
        case ast.Declaration():
            base = specified_type(scope, node.specifier)
            for declarator in node.declarators:
                _declare(node, base, declarator, scope)
        case _:
            from dtrace_py.lang.check.definitions import define

            define(node, scope)


def _declare(node: ast.Declaration, base: Type, declarator: ast.Declarator, scope: Scope) -> None:
    name, layers, span = declarator.name, declarator.layers, declarator.span
    check_name(name, span)
    if node.storage == "typedef":
        _typedef(name, around(scope, base, node.specifier, layers), declarator, scope)
        return
    keyed = layers[-1] if layers and isinstance(layers[-1], ast.KeyedBy) else None
    kind = around(scope, base, node.specifier, layers[:-1] if keyed else layers)
    if isinstance(kind, ArrayType) and kind.count == 0 and not kind.alias:
        text = "array declaration requires array dimension or tuple signature"
        raise CompileError("D_DECL_ARRNULL", text, span)
    check_object(scope, kind, name, "object", span)
    where = node.storage if node.storage in ("self", "this") else "global"
    if keyed and where == "this":
        raise CompileError("D_DECL_LOCASSC", f"this->{name} may not be declared as an array", span)
    keys = key_types(scope, keyed) if keyed else None
    taken = scope.variable(where, name)
    if (taken and not _agrees(taken, kind, keys)) or (where == "global" and not taken and not scope.is_free(name)):
        raise CompileError("D_DECL_IDRED", f"identifier redeclared: {name}", span)
    scope.define(taken or Variable(where, name, kind, keys))


def _typedef(name: str, kind: Type, declarator: ast.Declarator, scope: Scope) -> None:
    if declarator.layers and isinstance(declarator.layers[-1], ast.KeyedBy):
        raise CompileError("D_DECL_DYNOBJ", f"cannot declare dynamic typedef: {name}", declarator.span)
    taken = scope.source.typedefs.get(name) or INTRINSICS.get(name)
    if not scope.is_free(name) or (taken is not None and not same(taken, kind)):
        raise CompileError("D_DECL_IDRED", f"typedef redeclared: {name}", declarator.span)
    check_depth(kind, declarator.span)
    scope.source.typedefs[name] = named(kind, name)


def key_types(scope: Scope, node: ast.KeyedBy) -> tuple[Type, ...]:
    """The types between the brackets of an associative array (V4)."""
    check_twins(node.keys)
    kinds = tuple(resolve(scope, key.type) for key in node.keys)
    for kind, key in zip(kinds, node.keys, strict=True):
        if not (is_scalar(kind) or isinstance(kind, StringType)):
            raise CompileError("D_DECL_PROTO_TYPE", f"{kind} is not a valid key type", key.span)
    return kinds


def _agrees(known: Variable, kind: Type, keys: tuple[Type, ...] | None) -> bool:
    """Whether a variable may be declared once more in this way."""
    if known.keys is None or keys is None:
        return known.keys is keys and same(known.type, kind)
    return len(keys) == len(known.keys) and all(map(same, (known.type, *known.keys), (kind, *keys)))
