"""Declarations of variables outside clauses (contract V9)."""

from __future__ import annotations

from dtrace_py.lang import ast
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.program import Variable
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.types import StringType, Type, VoidType, is_scalar, same


def declare(node: ast.Outer, scope: Scope) -> None:
    """Enter the declared variables into the scope."""
    if not isinstance(node, ast.Declaration):
        raise not_built(f"a declaration with {type(node).__name__.lower()}", node.span)
    if node.storage in ("typedef", "extern") or not node.declarators:
        raise not_built(f"a declaration with {node.storage or node.specifier}", node.span)
    for declarator in node.declarators:
        _declare(node, declarator, scope)


def _declare(node: ast.Declaration, declarator: ast.Declarator, scope: Scope) -> None:
    where, name, layers = node.storage or "global", declarator.name, declarator.layers
    if "`" in name:
        raise CompileError("D_DECL_SCOPE", f"a scope may not be specified in the declaration of {name}", node.span)
    keyed = layers[-1] if layers and isinstance(layers[-1], ast.KeyedBy) else None
    if any(isinstance(layer, ast.ArrayOf) and layer.count is None for layer in layers):
        text = "array declaration requires array dimension or tuple signature"
        raise CompileError("D_DECL_ARRNULL", text, node.span)
    kind = scope.resolve(ast.TypeName(declarator.span, node.specifier, layers[:-1] if keyed else layers))
    if isinstance(kind, VoidType):
        raise CompileError("D_DECL_VOIDOBJ", f"cannot declare void object: {name}", node.span)
    if not (is_scalar(kind) or isinstance(kind, StringType)):
        raise not_built(f"a variable of type {kind}", node.span)
    keys = None if keyed is None else tuple(scope.resolve(key.type) for key in keyed.keys)
    if keys is not None and where == "this":
        raise CompileError("D_DECL_LOCASSC", f"this->{name} may not be declared as an array", node.span)
    for key in keys or ():
        if not (is_scalar(key) or isinstance(key, StringType)):
            raise CompileError("D_DECL_PROTO_TYPE", f"{key} is not a valid key type", node.span)
    known = scope.variable(where, name)
    if (known and not _agrees(known, kind, keys)) or (where == "global" and not scope.may_declare(name)):
        raise CompileError("D_DECL_IDRED", f"identifier redeclared: {name}", node.span)
    scope.define(Variable(where, name, kind, keys))


def _agrees(known: Variable, kind: Type, keys: tuple[Type, ...] | None) -> bool:
    """Whether a variable may be declared once more in this way."""
    if known.keys is None or keys is None:
        return known.keys is keys and same(known.type, kind)
    return len(keys) == len(known.keys) and all(map(same, (known.type, *known.keys), (kind, *keys)))
