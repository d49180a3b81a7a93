"""From syntax to typed expressions (contract sections 3 and 4): each kind of node goes to the file that knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from dtrace_py.lang import constants, typed
from dtrace_py.lang.check.assignments import assign, step
from dtrace_py.lang.check.calls import call
from dtrace_py.lang.check.conversions import cast, decayed, offsetof, sizeof
from dtrace_py.lang.check.errors import undefined_aggregation
from dtrace_py.lang.check.memory import address_of, index, member
from dtrace_py.lang.check.names import named, variable_value
from dtrace_py.lang.check.operators import binary, comma, conditional, unary
from dtrace_py.lang.check.translations import xlate
from dtrace_py.lang.definitions import ProbeArgument
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.limits import Limits
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.source import Source, Span
from dtrace_py.lang.tables.stability import STABLE, Stability
from dtrace_py.lang.types import INT, STRING, DynamicType, is_scalar

Arguments = Callable[[], tuple[ProbeArgument, ...]]
"""What args[] is at the probes of the clause; raises D_ARGS_MULTI where it is not one thing, D_ARGS_NONE outside a clause."""

_MAX_DEPTH = 100
"""Inlines and translators that may stand for one another."""
_MAX_EXPANSIONS = 20_000
"""How often the inlines of one clause are put in place of their names: each may double the one before it."""


def no_arguments() -> tuple[ProbeArgument, ...]:
    """Of what is in no clause."""
    raise CompileError("D_ARGS_NONE", "args[ ] may not be referenced outside of a probe clause")


class ExpressionChecker:
    """Types the expressions of one clause after another; names that an assignment makes join the scope at once."""

    def __init__(self, scope: Scope, limits: Limits, arguments: Arguments = no_arguments) -> None:
        self.scope = scope
        self.limits = limits
        self.arguments = arguments
        self.stability = STABLE
        """The lowest stability of the names seen since it was last set."""
        self.bound: dict[str, typed.Expr] = {}
        """Names that stand for a typed expression: the parameters of an inline, the input of a translator."""
        self.text = scope.text
        """The text that the node being checked is in."""
        self.depth = 0
        self.expansions = 0

    def note(self, name: str, stability: Stability, span: Span) -> None:
        """A name is used that is so stable; raises D_ATTR_MIN if that is less than -x amin asks for."""
        least = self.scope.least
        if least is not None and least & stability != least:
            text = f"attributes for {name} ({'/'.join(stability)}) are less than predefined minimum"
            raise CompileError("D_ATTR_MIN", text, span)
        self.stability &= stability

    @property
    def strsize(self) -> int:
        return self.limits.strsize

    def value(self, node: ast.Expr) -> typed.Expr:
        """The node as an ordinary value: an array becomes a pointer to its first element."""
        return decayed(self.check(node))

    def condition(self, node: ast.Expr) -> typed.Expr:
        """The node as a predicate (P17)."""
        value = self.check(node)
        if not is_scalar(value.type):
            raise CompileError("D_PRED_SCALAR", "predicate result must be of scalar type", node.span)
        return value

    def within(self, names: dict[str, typed.Expr], node: ast.Expr) -> typed.Expr:
        """The node where these names, and no others that are bound, stand for typed expressions."""
        if self.depth == _MAX_DEPTH:
            text = f"inlines and translators are nested more than {_MAX_DEPTH} deep"
            raise CompileError("D_SYNTAX", text, node.span)
        self.expansions += 1
        if self.expansions > _MAX_EXPANSIONS:
            text = f"inlines and translators expand more than {_MAX_EXPANSIONS} times"
            raise CompileError("D_SYNTAX", text, node.span)
        self.bound, outer = names, self.bound
        self.depth += 1
        try:
            return self.check(node)
        finally:
            self.bound = outer
            self.depth -= 1

    def expansion(
        self, names: dict[str, typed.Expr], node: ast.Expr, source: Source | None, place: Span
    ) -> typed.Expr:  # fmt: skip
        """What an inline or translator puts in a place; if it is of another text, its parts are said to be there too."""
        if source is self.text:
            return self.within(names, node)
        self.text, outer = source, self.text
        try:
            made = self.within(names, node)
        except CompileError as error:
            error.source = error.source or source
            raise
        finally:
            self.text = outer
        return typed.moved(made, place, tuple(names.values()))

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
                if name not in self.scope.aggregations:
                    raise undefined_aggregation(self.scope, name, node.span)
                return typed.Convert(DynamicType(), node.span, typed.Const(INT, node.span, 0))  # its use is the error
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
            case ast.OffsetOf():
                return offsetof(self, node)
            case ast.Xlate():
                return xlate(self, node)
        assert_never(node)
