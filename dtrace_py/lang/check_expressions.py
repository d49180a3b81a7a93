"""From syntax to typed expressions (contract sections 3 and 4): each kind of node goes to the file that knows it."""

from __future__ import annotations

from typing import assert_never

from dtrace_py.lang import ast, constants, typed
from dtrace_py.lang.check_assignments import assign, step
from dtrace_py.lang.check_conversions import cast, sizeof
from dtrace_py.lang.check_memory import address_of, index, member
from dtrace_py.lang.check_names import call, named, variable_value
from dtrace_py.lang.check_operators import binary, comma, conditional, unary
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.tables.stability import STABLE
from dtrace_py.lang.types import INT, STRING, ArrayType, PointerType
from dtrace_py.record import changed


class ExpressionChecker:
    """Types the expressions of one clause after another; names that an assignment makes join the scope at once."""

    def __init__(self, scope: Scope, strsize: int) -> None:
        self.scope = scope
        self.strsize = strsize
        self.stability = STABLE
        """The lowest stability of the names seen since it was last set."""

    def value(self, node: ast.Expr) -> typed.Expr:
        """The node as an ordinary value: an array becomes a pointer to its first element."""
        result = self.check(node)
        if isinstance(result.type, ArrayType) and isinstance(result, typed.Load):
            return changed(result.address, type=PointerType(result.type.element))
        return result

    def check(self, node: ast.Expr) -> typed.Expr:
        """The typed form of a node; a structure or array stands for the memory it is in."""
        try:
            return self._check(node)
        except CompileError as error:
            error.span = error.span or node.span
            raise

    def _check(self, node: ast.Expr) -> typed.Expr:
        match node:
            case ast.Int(text=text):
                value, kind = constants.integer(text, node.span)
                return typed.Const(kind, node.span, value)
            case ast.Char(value=text):
                return typed.Const(INT, node.span, constants.character(text))
            case ast.String(value=text):
                return typed.Text(STRING, node.span, text)
            case ast.Name():
                return named(self, node)
            case ast.Scoped():
                return variable_value(self, node, node.scope, node.name)
            case ast.Aggregation(name=name):
                raise CompileError("D_OP_DYN", f"@{name} may not be used in an expression", node.span)
            case ast.Call():
                return call(self, node)
            case ast.Index():
                return index(self, node)
            case ast.Member():
                return member(self, node)
            case ast.Unary(op="&"):
                return address_of(self, node)
            case ast.Unary():
                return unary(self, node)
            case ast.Step():
                return step(self, node)
            case ast.Binary():
                return binary(self, node)
            case ast.Assign():
                return assign(self, node)
            case ast.Conditional():
                return conditional(self, node)
            case ast.Comma():
                return comma(self, node)
            case ast.Cast():
                return cast(self, node)
            case ast.SizeOfType():
                return sizeof(self, self.scope.resolve(node.type), node.span)
            case ast.OffsetOf() | ast.Xlate():
                raise not_built("offsetof" if isinstance(node, ast.OffsetOf) else "xlate", node.span)
        assert_never(node)
