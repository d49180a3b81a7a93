"""One clause: its actions and its predicate, in the order that lets each use the names of the other (contract P23)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dtrace_py.lang import ast, tree, typed
from dtrace_py.lang.check_expressions import ExpressionChecker
from dtrace_py.lang.check_statements import StatementChecker
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.tables.stability import Stability
from dtrace_py.lang.types import is_scalar

Checked = tuple[typed.Expr | None, tuple[typed.Statement, ...], Stability]


def check_clause(node: tree.Clause, scope: Scope, strsize: int, frames: int) -> Checked:
    """The typed predicate and statements of a clause, and the lowest stability of what it names."""
    expressions = ExpressionChecker(scope, strsize)
    statements = StatementChecker(expressions, frames)

    def body() -> tuple[typed.Statement, ...]:
        with _region("action list"):
            made: list[typed.Statement] = []
            for each in node.body or ():
                if isinstance(each, ast.If):
                    raise not_built("if/else", each.span)
                made += statements.statement(each)
            return tuple(made)

    def predicate() -> typed.Expr | None:
        with _region("predicate"):
            return None if node.predicate is None else _predicate(expressions, node.predicate)

    try:
        checked = body()
    except CompileError as error:
        if error.tag != "D_IDENT_UNDEF" or node.predicate is None:
            raise
        condition = predicate()
        return condition, body(), expressions.stability
    return predicate(), checked, expressions.stability


def _predicate(expressions: ExpressionChecker, node: ast.Expr) -> typed.Expr:
    value = expressions.value(node)
    if not is_scalar(value.type):
        raise CompileError("D_PRED_SCALAR", "predicate result must be of scalar type", node.span)
    return value


@contextmanager
def _region(name: str) -> Iterator[None]:
    """Errors inside carry the part of the clause they are in (N2)."""
    try:
        yield
    except CompileError as error:
        error.region = error.region or name
        raise
