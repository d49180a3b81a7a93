"""Declarations of variables outside clauses (contract V9)."""

from __future__ import annotations

from dtrace_py.lang import ast
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.program import Variable
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.types import StringType, VoidType, is_scalar


def declare(node: ast.Declaration, scope: Scope) -> None:
    """Enter a declared variable into the scope."""
    where, name = node.scope or "global", node.name
    kind = scope.resolve(node.type)
    if isinstance(kind, VoidType):
        raise CompileError("D_DECL_VOIDOBJ", f"cannot declare void object: {name}", node.span)
    if not (is_scalar(kind) or isinstance(kind, StringType)):
        raise not_built(f"a variable of type {kind}", node.span)
    keys = None if node.keys is None else tuple(map(scope.resolve, node.keys))
    if keys is not None and where == "this":
        raise CompileError("D_DECL_LOCASSC", f"this->{name} may not be declared as an array", node.span)
    if keys is not None and any(isinstance(key, VoidType) for key in keys):
        raise CompileError("D_DECL_PROTO_TYPE", "void is not a valid key type", node.span)
    known = scope.variable(where, name)
    if (known and (known.type, known.keys) != (kind, keys)) or (where == "global" and not scope.may_declare(name)):
        raise CompileError("D_DECL_IDRED", f"identifier redeclared: {name}", node.span)
    scope.define(Variable(where, name, kind, keys))
