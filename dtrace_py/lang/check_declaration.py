"""Declarations of variables outside clauses (contract V9)."""

from __future__ import annotations

from dtrace_py.lang import ast
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.program import Variable
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.types import StringType, Type, VoidType, is_scalar, same


def declare(node: ast.Declaration, scope: Scope) -> None:
    """Enter a declared variable into the scope."""
    where, name = node.scope or "global", node.name
    if "`" in name:
        raise CompileError("D_DECL_SCOPE", f"a scope may not be specified in the declaration of {name}", node.span)
    kind = scope.resolve(node.type)
    if isinstance(kind, VoidType):
        raise CompileError("D_DECL_VOIDOBJ", f"cannot declare void object: {name}", node.span)
    if not (is_scalar(kind) or isinstance(kind, StringType)):
        raise not_built(f"a variable of type {kind}", node.span)
    keys = None if node.keys is None else tuple(map(scope.resolve, node.keys))
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
