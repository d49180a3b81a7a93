"""One clause: its actions and its predicate, in the order that lets each use the names of the other (contract P23)."""

from __future__ import annotations

from collections.abc import Iterable

from dtrace_py.lang import typed
from dtrace_py.lang.arguments import Signature
from dtrace_py.lang.check.expressions import ExpressionChecker
from dtrace_py.lang.check.order import check_order
from dtrace_py.lang.check.statements import check_block
from dtrace_py.lang.definitions import ProbeArgument
from dtrace_py.lang.errors import CompileError, CompileErrors, Consequence
from dtrace_py.lang.grammar import tree
from dtrace_py.lang.limits import Limits
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.tables.stability import Stability

Checked = tuple[typed.Expr | None, tuple[typed.Statement, ...], Stability]


def check_clause(node: tree.Clause, scope: Scope, limits: Limits, signatures: Iterable[Signature]) -> Checked:
    """The typed predicate and statements of a clause, and the lowest stability of what it names.

    ``signatures`` are what args[] is at its probes; without args[] one is as good as all. Raises CompileErrors.
    """
    checked: Checked | None = None
    for arguments in signatures:
        asked: list[bool] = []

        def noted(arguments: Signature = arguments, asked: list[bool] = asked) -> tuple[ProbeArgument, ...]:
            asked.append(True)
            return arguments()

        made = _Clause(node, ExpressionChecker(scope, limits, noted)).checked()
        checked = checked or made
        if not asked:
            break
    assert checked
    return checked


class _Clause:
    """The checks of one clause where args[] is one thing."""

    def __init__(self, node: tree.Clause, check: ExpressionChecker) -> None:
        self.node = node
        self.check = check
        self.errors: list[CompileError] = []

    def checked(self) -> Checked:
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
        return predicate, statements, self.check.stability

    def _body(self) -> tuple[typed.Statement, ...]:
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
