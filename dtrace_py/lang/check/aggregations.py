"""Aggregating assignments: ``@name[keys] = function(arguments)`` (contract 8.1, 13.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import acts, typed
from dtrace_py.lang.check.calls import require_known
from dtrace_py.lang.check.conversions import convert, decayed
from dtrace_py.lang.check.errors import wrong_argument, wrong_count
from dtrace_py.lang.check.memory import key_type
from dtrace_py.lang.check.quantizers import parameters, require_same
from dtrace_py.lang.check.stacks import RECORDED, recorded
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.program import Aggregation, Linear, LogLinear
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING, Aggregating
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.types import INT64, ArrayType, FloatType, IntType, Type, compatible, is_scalar, same

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


def aggregate(check: ExpressionChecker, target: ast.Aggregation, node: ast.Assign) -> acts.Statement:
    """The whole statement."""
    if node.op is not None:
        raise CompileError("D_OP_INCOMPAT", f"operator {node.op}= may not be applied to an aggregation", node.span)
    row, call = _function(check, target, node)
    keys = [_key(check, key) for key in target.keys or ()]
    if not row.least <= len(call.arguments) <= row.most:
        expected = row.least if len(call.arguments) < row.least else row.most
        least = row.least != row.most and expected == row.least
        raise wrong_count(f"{row.name}( )", len(call.arguments), expected, call.span, least=least)
    arguments = tuple(map(check.check, call.arguments))
    if arguments and not is_scalar(arguments[0].type):
        text = f"{row.name}( ) argument #1 must be of scalar type"
        raise CompileError("D_AGG_SCALAR", text, call.arguments[0].span)
    given = parameters(row.name, arguments, call.span)
    increment = _increment(row, arguments)
    aggregation = _declared(check, target, row.name, keys, given, node.span)
    converted = _converted(aggregation, keys, target.span)
    values = (*arguments[:1], *increment)
    return acts.Aggregate(aggregation, converted, tuple(convert(value, INT64) for value in values))


def _function(
    check: ExpressionChecker, target: ast.Aggregation, node: ast.Assign
) -> tuple[Aggregating, ast.Call]:  # fmt: skip
    """The aggregating function on the right side; anything else there is an error (G3)."""
    call = node.value
    name = _called(call)
    if isinstance(call, ast.Call) and name in AGGREGATING:
        require_known(check, call)
        return AGGREGATING[name], call
    if isinstance(call, ast.Binary) and not AGGREGATING.keys().isdisjoint((_called(call.left), _called(call.right))):
        text = f'operands have incompatible types: "<DYN>" {call.op} "int"'
        raise CompileError("D_OP_INCOMPAT", text, node.span)
    if name and name not in ACTIONS and name not in SUBROUTINES:
        check.check(call)  # there is no such function
    text = f"@{target.name} must be assigned the result of an aggregating function"
    raise CompileError("D_AGG_FUNC", text, node.span)


def _called(node: ast.Expr) -> str:
    return node.function.name if isinstance(node, ast.Call) else ""


def _key(check: ExpressionChecker, node: ast.Expr) -> acts.Key:
    if isinstance(node, ast.Call) and node.function.name in RECORDED:
        return recorded(check, node)
    key = check.check(node)
    return key if _is_memory(key.type) else decayed(key)


def _is_memory(kind: Type) -> bool:
    """Whether keys of a type are so many bytes (G32): floating-point numbers, and arrays unless they are of characters."""
    match kind:
        case ArrayType(element=IntType(size=1, signed=True)) | ArrayType(count=0):
            return False
    return isinstance(kind, ArrayType | FloatType)


def _increment(row: Aggregating, arguments: tuple[typed.Expr, ...]) -> tuple[typed.Expr, ...]:
    """The increment of a distribution, if one is given (G22)."""
    if row.increment is None or len(arguments) <= row.increment:
        return ()
    value = arguments[row.increment]
    if not is_scalar(value.type):
        raise wrong_argument(f"{row.name}( )", "argument", row.increment + 1, INT64, value.type, value.span)
    return (value,)


def _declared(
    check: ExpressionChecker,
    target: ast.Aggregation,
    function: str,
    keys: list[acts.Key],
    given: Linear | LogLinear | None,
    span: Span,
) -> Aggregation:
    """The aggregation of that name, made at its first use; later uses must agree with it (G2)."""
    name = target.name
    known = check.scope.aggregations.get(name)
    if known is None:
        kinds = tuple(_key_type(key, number) for number, key in enumerate(keys, start=1))
        linear = given if isinstance(given, Linear) else None
        loglinear = given if isinstance(given, LogLinear) else None
        check.scope.aggregations[name] = known = Aggregation(name, function, kinds, linear, loglinear)
    elif known.function != function:
        text = f"aggregation redefined: @{name} = {function}( ) was @{name} = {known.function}( )"
        raise CompileError("D_AGG_REDEF", text, span)
    require_same(known.linear or known.loglinear, given, span)
    return known


def _key_type(key: acts.Key, number: int) -> Type:
    if isinstance(key, acts.RecordedKey) or _is_memory(key.type):
        return key.type
    return key_type(key, number, "aggregation")


def _converted(aggregation: Aggregation, keys: list[acts.Key], span: Span) -> tuple[acts.Key, ...]:
    name = f"@{aggregation.name}[ ]"
    if len(keys) != len(aggregation.keys):
        raise wrong_count(name, len(keys), len(aggregation.keys), span, "key")
    converted: list[acts.Key] = []
    for number, (key, kind) in enumerate(zip(keys, aggregation.keys, strict=True), start=1):
        if not (same if _is_memory(kind) else compatible)(kind, key.type):
            raise wrong_argument(name, "key", number, kind, key.type, key.span)
        converted.append(key if isinstance(key, acts.RecordedKey) else convert(key, kind))
    return tuple(converted)
