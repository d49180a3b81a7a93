"""Casts, strings made of other things, sizeof, and what assignment converts (contract S5, S6, C1, C7, D4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import ast, constants, typed
from dtrace_py.lang.check_errors import action_called, not_in_expression
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import (
    CHAR,
    SIZE,
    STRING,
    ArrayType,
    PointerType,
    StringType,
    Type,
    VoidType,
    is_scalar,
    size_of,
)
from dtrace_py.record import changed

if TYPE_CHECKING:
    from dtrace_py.lang.check_expressions import ExpressionChecker


def operand_type(check: ExpressionChecker, node: ast.Expr) -> Type:
    if isinstance(node, ast.String):
        return ArrayType(CHAR, len(node.value) + 1)
    operand = check.check(node)
    if isinstance(operand, typed.Load) and operand.bits:
        raise CompileError("D_SIZEOF_BITFIELD", "cannot apply sizeof to a bit-field", node.span)
    return operand.type


def sizeof(check: ExpressionChecker, kind: Type, span: Span) -> typed.Expr:
    size = size_of(kind, check.scope.source, check.strsize)
    if size is None:
        raise CompileError("D_SIZEOF_TYPE", f"cannot apply sizeof to a {kind} of unknown size", span)
    return typed.Const(SIZE, span, size)


def cast(check: ExpressionChecker, node: ast.Cast) -> typed.Expr:
    kind = check.scope.resolve(node.type)
    operand = check.check(node.operand)
    if isinstance(operand.type, ArrayType) and isinstance(operand, typed.Load):
        if isinstance(kind, StringType):
            return string(operand)
        operand = changed(operand.address, type=PointerType(operand.type.element))
    if isinstance(kind, VoidType):
        if name := action_called(node.operand):
            raise not_in_expression(name, node.span)
        return typed.Convert(kind, node.span, operand)
    if isinstance(kind, StringType) and (is_scalar(operand.type) or isinstance(operand.type, StringType)):
        return stringof(check, operand, node.span)
    if is_scalar(kind) and is_scalar(operand.type):
        return convert(operand, kind)
    raise CompileError("D_CAST_INVAL", f'invalid cast expression: "{operand.type}" to "{kind}"', node.span)


def stringof(check: ExpressionChecker, operand: typed.Expr, span: Span) -> typed.Expr:
    if isinstance(operand.type, StringType):
        return operand
    if not is_scalar(operand.type):
        text = f'cannot convert expression of type "{operand.type}" to a string'
        raise CompileError("D_STRINGOF_TYPE", text, span)
    return typed.StringAt(STRING, span, operand)


def string(operand: typed.Expr) -> typed.Expr:
    """A string-compatible value as a string (S5)."""
    if isinstance(operand.type, StringType):
        return operand
    if isinstance(operand, typed.Load) and isinstance(operand.type, ArrayType):
        return typed.StringAt(STRING, operand.span, operand.address, operand.type.count)
    return typed.StringAt(STRING, operand.span, operand)


def convert(operand: typed.Expr, kind: Type) -> typed.Expr:
    """A value as another type that it is compatible with; bits are lost here and nowhere else (C1, V10)."""
    if isinstance(kind, StringType):
        return typed.Const(STRING, operand.span, 0) if is_zero(operand) else string(operand)
    if isinstance(operand, typed.Const):
        return changed(operand, type=kind, value=constants.cut(operand.value, kind))
    return typed.Convert(kind, operand.span, operand)


def is_zero(value: typed.Expr) -> bool:
    return isinstance(value, typed.Const) and value.value == 0
