"""Arithmetic on integers and pointers; constants are folded by the rules of run time (contract C2, C6, C10, O24)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import constants, typed
from dtrace_py.lang.check.conversions import is_zero
from dtrace_py.lang.check.errors import incompatible, refuse_dynamic, unfit
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import INT64, ArrayType, FunctionType, IntType, PointerType, Type, size_of

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


Target = typed.Value | typed.Load | typed.Part
"""What an assignment may change: a variable, memory of the clause's own, a part of a variable."""


def arithmetic(
    check: ExpressionChecker, op: str, left: typed.Expr, right: typed.Expr, kind: Type, span: Span
) -> typed.Expr:
    """``left op right``, folded if both are constants."""
    if isinstance(right, typed.Const):
        if op in ("/", "%") and right.value == 0:
            raise CompileError("D_DIV_ZERO", "expression contains division by zero", span)
        if isinstance(left, typed.Const):
            return typed.Const(kind, span, constants.arithmetic(op, left.value, right.value, kind))
    return typed.Arithmetic(kind, span, op, left, right)


def offset(check: ExpressionChecker, pointer: typed.Expr, index: typed.Expr, op: str, span: Span) -> typed.Expr:
    """``pointer op index`` in units of what it points to (C6)."""
    assert isinstance(pointer.type, PointerType)
    if not isinstance(index.type, IntType):
        raise incompatible(op, pointer.type, index.type, span)
    size = pointee_size(check, pointer.type, span)
    scaled = arithmetic(check, "*", index, typed.Const(INT64, span, size), INT64, span) if size != 1 else index
    return arithmetic(check, op, pointer, scaled, pointer.type, span)


def pointee_size(check: ExpressionChecker, kind: PointerType, span: Span) -> int:
    """What a pointer steps by; raises D_OP_VFPTR where that is unknown."""
    size = size_of(kind.target, check.scope.source, check.strsize)
    if not size:
        raise CompileError("D_OP_VFPTR", f'operation on pointer to type "{kind.target}" of unknown size', span)
    return size


def update(
    check: ExpressionChecker, op: str, target: Target, value: typed.Expr, span: Span, postfix: bool = False
) -> typed.Expr:
    """``target op= value``: the value is scaled for pointers; the target's type decides the width of the result."""
    kind = target.type
    refuse_dynamic(f"{op}=", value)
    if isinstance(kind, ArrayType | FunctionType) or isinstance(value.type, FunctionType):
        raise CompileError("D_OP_ARRFUN", f"operator {op}= may not be applied to an array or function", span)
    if isinstance(kind, PointerType) and op in ("+", "-") and isinstance(value.type, IntType):
        size = typed.Const(INT64, span, pointee_size(check, kind, span))
        value = arithmetic(check, "*", value, size, INT64, span)
    elif not isinstance(kind, IntType) or not isinstance(value.type, IntType):
        raise unfit(f"{op}=", kind, value.type, span)
    if op in ("/", "%") and is_zero(value):
        raise CompileError("D_DIV_ZERO", "expression contains division by zero", span)
    if isinstance(target, typed.Value):
        return typed.Update(kind, span, op, target, value, postfix)
    return typed.Store(kind, span, target, op, value, postfix)
