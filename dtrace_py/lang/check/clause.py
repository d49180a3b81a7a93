"""One clause: its actions and its predicate, in the order that lets each use the names of the other (contract P23)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from dtrace_py.lang import acts, typed
from dtrace_py.lang.arguments import Signature, Way
from dtrace_py.lang.check.essence import essence
from dtrace_py.lang.check.expressions import ExpressionChecker
from dtrace_py.lang.check.order import check_order
from dtrace_py.lang.check.statements import check_block
from dtrace_py.lang.definitions import ProbeArgument
from dtrace_py.lang.errors import CompileError, CompileErrors, Consequence
from dtrace_py.lang.grammar import tree
from dtrace_py.lang.limits import Limits
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.tables.stability import Stability

_MOST_FORMS = 100
"""Forms of one clause that there may be: each becomes code of its own."""


class Form(NamedTuple):
    """A clause checked in one way: predicate, statements, and the lowest stability of what it names."""

    predicate: typed.Expr | None
    statements: tuple[acts.Statement, ...]
    stability: Stability
    probes: list[Any]
    """Where it is this one, and not the first."""
    asks: bool = False
    """Whether it names args[]."""


def check_clause(node: tree.Clause, scope: Scope, limits: Limits, ways: Iterable[Way]) -> list[Form]:
    """The typed forms of a clause: one, or several that differ where args[] does (P28). Raises CompileErrors."""
    forms: list[tuple[object, Form]] = []
    for way in ways:
        asked: list[bool] = []

        def noted(arguments: Signature = way.arguments, asked: list[bool] = asked) -> tuple[ProbeArgument, ...]:
            asked.append(True)
            return arguments()

        made = _Clause(node, ExpressionChecker(scope, limits, noted)).checked()._replace(asks=bool(asked))
        does = essence((made.predicate, made.statements))
        alike = next((form for known, form in forms if known == does), None)
        if alike is None:
            forms.append((does, made))
            alike = made
        if forms[0][1] is not alike:
            alike.probes.extend(way.probes)
        if len(forms) > _MOST_FORMS:
            text = f"args[ ] is of more than {_MOST_FORMS} kinds where the probes of this clause are"
            raise CompileErrors([CompileError("D_ARGS_MULTI", text, node.span)])
        if not asked:
            break
    return [form for _, form in forms]


class _Clause:
    """The checks of one clause where args[] is one thing."""

    def __init__(self, node: tree.Clause, check: ExpressionChecker) -> None:
        self.node = node
        self.check = check
        self.errors: list[CompileError] = []

    def checked(self) -> Form:
        statements = self._body()
        undefined = any(error.tag in ("D_IDENT_UNDEF", "D_VAR_UNDEF") for error in self.errors)
        if undefined and self.node.predicate is not None:
            self.errors.clear()
            predicate = self._predicate()
            statements = self._body()
        else:
            predicate = self._predicate()
        for error in () if self.errors else check_order(self.node.body or ()):
            error.region = "action list"
            self.errors.append(error)
        if self.errors:
            raise CompileErrors([e for e in self.errors if not isinstance(e, Consequence)] or self.errors)
        return Form(predicate, statements, self.check.stability, [])

    def _body(self) -> tuple[acts.Statement, ...]:
        errors: list[CompileError] = []
        statements = check_block(self.check, self.node.body or (), errors)
        self._note(errors, "action list")
        return statements

    def _predicate(self) -> typed.Expr | None:
        if self.node.predicate is None:
            return None
        try:
            return self.check.condition(self.node.predicate)
        except CompileError as error:
            self._note([error], "predicate")
            return None

    def _note(self, errors: Iterable[CompileError], region: str) -> None:
        """Errors carry the part of the clause that they are in (N2)."""
        for error in errors:
            error.region = error.region or region
            self.errors.append(error)
