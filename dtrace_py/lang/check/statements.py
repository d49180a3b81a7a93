"""Statements of a clause: actions, aggregating assignments, if/else, plain expressions (contract sections 6 and 8)."""

from __future__ import annotations

from collections.abc import Iterable

from dtrace_py.lang import acts, typed
from dtrace_py.lang.check.actions import action
from dtrace_py.lang.check.aggregations import aggregate
from dtrace_py.lang.check.expressions import ExpressionChecker
from dtrace_py.lang.check.memory import require_complete
from dtrace_py.lang.check.names import names_assigned
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.types import DynamicType


def check_block(
    check: ExpressionChecker, nodes: Iterable[ast.Statement], errors: list[CompileError]
) -> tuple[acts.Statement, ...]:
    """The typed statements of a block. One that is wrong joins the errors and is left out, so that all are found."""
    made: list[acts.Statement] = []
    for node in nodes:
        try:
            made.append(_statement(check, node, errors))
        except CompileError as error:
            error.span = error.span or node.span
            errors.append(error)
            check.scope.spoiled.update(names_assigned(node))
    return tuple(made)


def _statement(check: ExpressionChecker, node: ast.Statement, errors: list[CompileError]) -> acts.Statement:
    match node:
        case ast.If():
            condition = check.condition(node.condition)
            return acts.If(condition, check_block(check, node.yes, errors), check_block(check, node.no, errors))
        case ast.Assign(target=ast.Aggregation() as target):
            return aggregate(check, target, node)
        case ast.Aggregation():
            raise CompileError("D_AGG_NULL", f"@{node.name} must be assigned an aggregating function", node.span)
        case ast.Call() if node.function.name in ACTIONS:
            return action(check, node)
    value = check.check(node)
    if isinstance(value, typed.Translated) and value.pointer:
        raise CompileError("D_CG_DYN", "expression cannot evaluate to result of dynamic type", node.span)
    if isinstance(value.type, DynamicType) and isinstance(node, ast.Call):
        raise CompileError("D_AGG_FUNC", "an aggregating function must be assigned to an aggregation", node.span)
    thrown_away = value.operand if isinstance(value, typed.Convert) else value
    require_complete(check, thrown_away.type, "*", node.span)
    return acts.Evaluate(value)
