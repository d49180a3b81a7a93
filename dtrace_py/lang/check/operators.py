"""The operators of contract section 4 but for those that read memory or change variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import constants, typed
from dtrace_py.lang.check.arithmetic import arithmetic, offset, pointee_size
from dtrace_py.lang.check.conversions import characters, convert, is_zero, sizeof_operand, string, stringof
from dtrace_py.lang.check.errors import incompatible, refuse_actions, refuse_dynamic, refuse_functions, unfit
from dtrace_py.lang.check.scratch import check_arms
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.scope import pointee
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import (
    INT,
    INT64,
    LONG,
    STRING,
    EnumType,
    IntType,
    PointerType,
    StringType,
    StructType,
    Type,
    VoidType,
    compatible,
    is_scalar,
    is_string_like,
    named,
    same,
    usual,
)
from dtrace_py.lang.userland import load
from dtrace_py.record import changed

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


PTRDIFF = named(LONG, "ptrdiff_t")
_COMPARISONS = frozenset("< <= > >= == !=".split())
_LOGICAL = frozenset("&& || ^^".split())


def unary(check: ExpressionChecker, node: ast.Unary) -> typed.Expr:
    """``! ~ + - *``, sizeof and stringof."""
    if node.op == "sizeof":
        return sizeof_operand(check, node)
    operand = check.check(node.operand) if node.op == "!" else check.value(node.operand)
    if node.op == "stringof":
        return stringof(operand, node.span)
    if node.op == "*" and isinstance(operand, typed.Translated) and operand.pointer:
        return changed(operand, pointer=False)
    refuse_dynamic(node.op, operand)
    refuse_functions(node.op, operand)
    match node.op:
        case "*":
            if isinstance(operand.type, StringType):
                operand = characters(operand)
            return load(pointee(operand.type), node.span, operand)
        case "!":
            _require_scalar("!", operand)
            if isinstance(operand, typed.Const):
                return typed.Const(INT, node.span, int(operand.value == 0))
            return typed.Not(INT, node.span, operand)
    if not isinstance(operand.type, IntType):
        tag, what = ("D_OP_INT", "an integral") if node.op == "~" else ("D_OP_ARITH", "an arithmetic")
        raise CompileError(tag, f"operator {node.op} requires an operand of {what} type", node.span)
    if node.op == "+":
        return operand
    if isinstance(operand, typed.Const):
        value = ~operand.value if node.op == "~" else -operand.value
        return typed.Const(operand.type, node.span, constants.wrap(value, operand.type))
    return typed.Unary(operand.type, node.span, node.op, operand)


def binary(check: ExpressionChecker, node: ast.Binary) -> typed.Expr:
    """The operators with two operands of O3 to O13."""
    value = check.check if node.op in _LOGICAL else check.value  # an array is no truth
    left = value(node.left)
    right = _enumerator(check, left, node.right) or value(node.right)
    refuse_dynamic(node.op, left, right)
    refuse_functions(node.op, left, right)
    if node.op in _LOGICAL:
        _require_scalar(node.op, left, right)
        if isinstance(left, typed.Const) and isinstance(right, typed.Const):
            return typed.Const(INT, node.span, constants.logical(node.op, left.value, right.value))
        return typed.Logical(INT, node.span, node.op, left, right)
    if node.op in _COMPARISONS:
        return _compare(node.op, left, right, node.span)
    if node.op in ("+", "-"):
        left, right = (characters(side) if isinstance(side.type, StringType) else side for side in (left, right))
        if isinstance(left.type, PointerType) or isinstance(right.type, PointerType):
            return _pointer_arithmetic(check, node.op, left, right, node.span)
    return _plain(check, node.op, left, right, node.span)


def _enumerator(check: ExpressionChecker, left: typed.Expr, node: ast.Expr) -> typed.Expr | None:
    """A bare name beside an enumeration may be one of its enumerators (D3)."""
    if not (isinstance(left.type, EnumType) and isinstance(node, ast.Name)):
        return None
    values = dict(left.type.values)
    if node.name not in values:
        return None
    if check.scope.variable("global", node.name):
        text = f"ambiguous use of {node.name}: it is a variable, and an enumerator of {left.type}"
        raise CompileError("D_IDENT_AMBIG", text, node.span)
    return typed.Const(INT, node.span, values[node.name])


def _plain(check: ExpressionChecker, op: str, left: typed.Expr, right: typed.Expr, span: Span) -> typed.Expr:
    """Arithmetic on integers (C2, C3)."""
    if isinstance(left.type, IntType) and isinstance(right.type, IntType):
        kind = left.type if op in ("<<", ">>") else usual(left.type, right.type)
        return arithmetic(check, op, left, right, kind, span)
    raise unfit(op, left.type, right.type, span)


def _pointer_arithmetic(
    check: ExpressionChecker, op: str, left: typed.Expr, right: typed.Expr, span: Span
) -> typed.Expr:
    """``+`` and ``-`` where one side at least is a pointer (C6)."""
    if isinstance(left.type, PointerType) and isinstance(right.type, PointerType):
        if op == "+" or not same(left.type, right.type):
            raise incompatible(op, left.type, right.type, span)
        size = pointee_size(check, left.type, span)
        difference = arithmetic(check, "-", left, right, PTRDIFF, span)
        return arithmetic(check, "/", difference, typed.Const(INT64, span, size), PTRDIFF, span)
    if isinstance(right.type, PointerType):
        left, right = right, left
        if op == "-":
            raise incompatible(op, right.type, left.type, span)
    return offset(check, left, right, op, span)


def _compare(op: str, left: typed.Expr, right: typed.Expr, span: Span) -> typed.Expr:
    """Comparison of strings (S4), integers (C5) and pointers (C6)."""
    if isinstance(left.type, StringType) or isinstance(right.type, StringType):
        if is_zero(left) or is_zero(right):
            zero = typed.Text(STRING, span, "")
            left, right = (zero if is_zero(side) else side for side in (left, right))
        if not (is_string_like(left.type) and is_string_like(right.type)):
            raise incompatible(op, left.type, right.type, span)
        return typed.CompareStrings(INT, span, op, string(left), string(right))
    if isinstance(left.type, IntType) and isinstance(right.type, IntType):
        kind = usual(left.type, right.type)
        if isinstance(left, typed.Const) and isinstance(right, typed.Const):
            return typed.Const(INT, span, constants.comparison(op, left.value, right.value, kind))
        signed = kind.signed
    elif is_scalar(left.type) and is_scalar(right.type):
        if not (compatible(left.type, right.type) or is_zero(left) or is_zero(right)):
            raise incompatible(op, left.type, right.type, span)
        signed = False
    else:
        raise incompatible(op, left.type, right.type, span)
    return typed.Compare(INT, span, op, left, right, signed)


def conditional(check: ExpressionChecker, node: ast.Conditional) -> typed.Expr:
    """``condition ? yes : no`` (O14)."""
    condition = check.check(node.condition)
    refuse_dynamic("?", condition)
    _require_scalar("?:", condition)
    refuse_actions(node.yes, node.no)
    yes, no = check.value(node.yes), check.value(node.no)
    refuse_dynamic("?:", yes, no)
    refuse_functions("?:", yes, no)
    if isinstance(yes.type, StringType) or isinstance(no.type, StringType):
        if not all(is_string_like(arm.type) or is_zero(arm) for arm in (yes, no)):
            raise incompatible("?:", yes.type, no.type, node.span)
        yes, no = convert(yes, STRING), convert(no, STRING)
        return typed.Conditional(STRING, node.span, condition, yes, no)
    kind = _arm_type(yes, no, node.span)
    if isinstance(kind, PointerType):
        check_arms(check, yes, no, node.span)
    if isinstance(condition, typed.Const) and isinstance(chosen := yes if condition.value else no, typed.Const):
        return convert(chosen, kind)  # a constant itself
    return typed.Conditional(kind, node.span, condition, yes, no)


def _arm_type(yes: typed.Expr, no: typed.Expr, span: Span) -> Type:
    if isinstance(yes.type, IntType) and isinstance(no.type, IntType):
        return usual(yes.type, no.type)
    if isinstance(yes.type, PointerType) and (is_zero(no) or compatible(yes.type, no.type)):
        return yes.type
    if isinstance(no.type, PointerType) and is_zero(yes):
        return no.type
    if isinstance(yes.type, StructType | VoidType) and same(yes.type, no.type):
        return yes.type
    raise incompatible("?:", yes.type, no.type, span)


def comma(check: ExpressionChecker, node: ast.Comma) -> typed.Expr:
    """``left, right`` (O16)."""
    refuse_actions(node.left, node.right)
    left, right = check.value(node.left), check.value(node.right)
    refuse_dynamic(",", left, right)
    return typed.Comma(right.type, node.span, left, right)


def _require_scalar(op: str, *operands: typed.Expr) -> None:
    for operand in operands:
        if not is_scalar(operand.type):
            raise CompileError("D_OP_SCALAR", f"operator {op} requires operands of scalar type", operand.span)
