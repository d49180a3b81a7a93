"""Casts, strings made of other things, sizes, and what assignment converts (contract S5, S6, C1, C7, D4, D5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import constants, typed
from dtrace_py.lang.check.errors import action_called, incompatible, not_in_expression, refuse_dynamic
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import (
    CHAR,
    SIZE,
    STRING,
    ArrayType,
    DynamicType,
    FunctionType,
    PointerType,
    StringType,
    StructType,
    Type,
    VoidType,
    compatible,
    is_scalar,
    is_string_like,
    same,
    size_of,
)
from dtrace_py.lang.userland import pointer
from dtrace_py.record import changed

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


def sizeof_operand(check: ExpressionChecker, node: ast.Unary) -> typed.Expr:
    """``sizeof expression``; a string constant is an array of characters (L6), a function as long as its code (D4)."""
    if isinstance(node.operand, ast.String):
        return sizeof(check, ArrayType(CHAR, len(node.operand.value) + 1), node.span)
    operand = check.check(node.operand)
    if isinstance(operand, typed.Load | typed.Part) and operand.bits:
        raise CompileError("D_SIZEOF_BITFIELD", "cannot apply sizeof to a bit-field", node.span)
    if isinstance(operand, typed.Load) and isinstance(operand.address, typed.SymbolAddress):
        return typed.Const(SIZE, node.span, operand.address.size)
    return sizeof(check, operand.type, node.span)


def sizeof(check: ExpressionChecker, kind: Type, span: Span) -> typed.Expr:
    """The size of a type (D4, S8)."""
    size = size_of(kind, check.scope.source, check.strsize)
    if size is None:
        raise CompileError("D_SIZEOF_TYPE", f"cannot apply sizeof to a {kind} of unknown size", span)
    return typed.Const(SIZE, span, size)


def offsetof(check: ExpressionChecker, node: ast.OffsetOf) -> typed.Expr:
    """``offsetof(type, member)`` (D5)."""
    kind = check.scope.resolve(node.type)
    if not isinstance(kind, StructType):
        raise CompileError("D_OFFSETOF_TYPE", f"offsetof operand must be a struct or union type: {kind}", node.span)
    field = check.scope.source.member(kind, node.member)
    if field is None:
        raise CompileError("D_UNKNOWN", f"{node.member} is not a member of {kind}", node.span)
    if field.bit_size is not None:
        raise CompileError("D_OFFSETOF_BITFIELD", "cannot take offset of a bit-field", node.span)
    return typed.Const(SIZE, node.span, field.bit_offset // 8)


def cast(check: ExpressionChecker, node: ast.Cast) -> typed.Expr:
    """``(type)operand`` (C7)."""
    kind = check.scope.resolve(node.type)
    operand = check.check(node.operand)
    if isinstance(kind, VoidType):
        if name := action_called(node.operand):
            raise not_in_expression(name, node.span)
        if isinstance(node.operand, ast.Aggregation):
            refuse_dynamic("(void)", operand)
        return typed.Convert(kind, node.span, operand)
    if isinstance(kind, StringType) and is_string_like(operand.type):
        return string(operand)
    if isinstance(kind, PointerType):
        operand = decayed(operand)
    if isinstance(kind, StringType) and is_scalar(operand.type):
        return stringof(operand, node.span)
    if isinstance(operand.type, FunctionType) and isinstance(operand, typed.Load):
        operand = operand.address
    if is_scalar(kind) and is_scalar(operand.type):
        return convert(operand, kind)
    if isinstance(kind, StructType) and same(kind, operand.type):
        return operand
    raise CompileError("D_CAST_INVAL", f'invalid cast expression: "{operand.type}" to "{kind}"', node.span)


def decayed(value: typed.Expr) -> typed.Expr:
    """An array as a pointer to its first element; anything else as it is."""
    if not isinstance(value.type, ArrayType):
        return value
    if isinstance(value, typed.Load):
        return pointer(value.address, value.type.element)
    return typed.Convert(PointerType(value.type.element), value.span, value)


def characters(value: typed.Expr) -> typed.Expr:
    """A string as a pointer to its first character (S7)."""
    if isinstance(value, typed.StringAt) and value.limit == 0:
        return pointer(value.address, CHAR)
    return typed.Characters(PointerType(CHAR), value.span, value)


def stringof(operand: typed.Expr, span: Span) -> typed.Expr:
    """The string at an address (S6)."""
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
    limit = operand.type.count if isinstance(operand.type, ArrayType) else 0
    return typed.StringAt(STRING, operand.span, decayed(operand), limit)


def convert(operand: typed.Expr, kind: Type) -> typed.Expr:
    """A value as another type that it is compatible with; bits are lost here and nowhere else (C1, V10)."""
    if isinstance(kind, StringType):
        return typed.Const(STRING, operand.span, 0) if is_zero(operand) else string(operand)
    if not is_scalar(kind):
        return operand
    if isinstance(operand, typed.Const):
        return changed(operand, type=kind, value=constants.cut(operand.value, kind))
    if isinstance(operand.type, StringType):
        return typed.Convert(kind, operand.span, characters(operand))
    return typed.Convert(kind, operand.span, decayed(operand))


def as_declared(value: typed.Expr, kind: Type, span: Span) -> typed.Expr:
    """What an inline or a member of a translator stands for, as the type that it is declared with (D6, D7)."""
    if isinstance(value.type, DynamicType):
        return value
    if not fits(kind, value):
        raise incompatible("=", kind, value.type, span)
    return convert(value, kind)


def fits(kind: Type, value: typed.Expr) -> bool:
    """Whether a value may be assigned to something of a type (C8): the constant 0 is a pointer and a string too."""
    return compatible(kind, value.type) or (is_zero(value) and isinstance(kind, PointerType | StringType))


def is_zero(value: typed.Expr) -> bool:
    """Whether a value is the constant 0."""
    return isinstance(value, typed.Const) and value.value == 0
