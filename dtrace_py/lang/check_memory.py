"""Array elements, members and addresses (contract V4, O20 to O22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import ast, typed
from dtrace_py.lang.check_arithmetic import arithmetic, offset
from dtrace_py.lang.check_conversions import convert, is_zero
from dtrace_py.lang.check_errors import undefined, wrong_argument, wrong_count
from dtrace_py.lang.check_names import array_named, is_new, scoped_name
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.program import Variable
from dtrace_py.lang.scope import pointee
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import (
    SIZE,
    STRING,
    UINTPTR,
    PointerType,
    StringType,
    StructType,
    Type,
    compatible,
    is_scalar,
    is_string_like,
    size_of,
)
from dtrace_py.record import changed

if TYPE_CHECKING:
    from dtrace_py.lang.check_expressions import ExpressionChecker


def index(check: ExpressionChecker, node: ast.Index) -> typed.Expr:
    if array := array_named(check, node.base):
        return element(check, node, array)
    base = node.base
    if is_new(check, base):
        assert isinstance(base, ast.Name | ast.Scoped)
        raise undefined(*scoped_name(base), node.span, array=True)
    pointer = check.value(base)
    if len(node.keys) > 1:
        raise CompileError("D_ARR_BADREF", "cannot use array operator with a scalar variable", node.span)
    if isinstance(pointer.type, StringType):
        raise not_built("an index into a string", node.span)
    target = pointee(pointer.type)
    return typed.Load(target, node.span, offset(check, pointer, check.value(node.keys[0]), "+", node.span))


def element(check: ExpressionChecker, node: ast.Index, array: Variable) -> typed.Value:
    assert array.keys is not None
    checked = keys(check, str(array), node.keys, array.keys, node.span)
    return typed.Value(array.type, node.span, array, checked)


def keys(
    check: ExpressionChecker, name: str, nodes: tuple[ast.Expr, ...], kinds: tuple[Type, ...], span: Span
) -> tuple[typed.Expr, ...]:
    """Index expressions converted to an array's key types (V4)."""
    if len(nodes) != len(kinds):
        raise wrong_count(f"{name}[ ]", len(nodes), len(kinds), span, "key")
    checked = []
    for number, (node, kind) in enumerate(zip(nodes, kinds, strict=True), start=1):
        key = check.value(node)
        if not compatible(kind, key.type) and not is_zero(key):
            raise wrong_argument(f"{name}[ ]", "key", number, kind, key.type, node.span)
        checked.append(convert(key, kind))
    return tuple(checked)


def key_type(key: typed.Expr, name: str, number: int, what: str) -> Type:
    """The type of a key at its first use; raises D_KEY_TYPE where there can be none."""
    if is_string_like(key.type):
        return STRING
    if not is_scalar(key.type):
        text = f"{key.type} expression may not be used as {what} index: key #{number}"
        raise CompileError("D_KEY_TYPE", text, key.span)
    return key.type


def member(check: ExpressionChecker, node: ast.Member) -> typed.Expr:
    base = check.value(node.base) if node.arrow else check.check(node.base)
    kind = base.type
    if node.arrow:
        if not isinstance(kind, PointerType):
            raise CompileError("D_OP_PTR", f'left-hand side of "->" must be a pointer: "{kind}"', node.span)
        kind, address = kind.target, base
    elif isinstance(base, typed.Load):
        address = base.address
    if not isinstance(kind, StructType):
        op = "->" if node.arrow else "."
        raise CompileError("D_OP_SOU", f'operator {op} cannot be applied to type "{kind}"', node.span)
    if not check.scope.source.has_struct(kind.name):
        raise CompileError(
            "D_OP_INCOMPLETE", f"operator -> cannot be applied to the forward-declared {kind}", node.span
        )
    found = check.scope.source.member(kind.name, node.name)
    if found is None:
        raise CompileError("D_TYPE_MEMBER", f"{node.name} is not a member of {kind}", node.span)
    return field(check, address, found.type, found.bit_offset, found.bit_size, node.span)


def field(
    check: ExpressionChecker, address: typed.Expr, kind: Type, bits: int, width: int | None, span: Span
) -> typed.Expr:
    if width is None:
        return typed.Load(kind, span, plus(check, address, bits // 8, span))
    size = size_of(kind, check.scope.source, check.strsize) or 8
    start = bits // (size * 8) * size
    return typed.Load(kind, span, plus(check, address, start, span), (bits - start * 8, width))


def plus(check: ExpressionChecker, address: typed.Expr, offset: int, span: Span) -> typed.Expr:
    if offset == 0:
        return address
    return arithmetic(check, "+", address, typed.Const(SIZE, span, offset), UINTPTR, span)


def address_of(check: ExpressionChecker, node: ast.Unary) -> typed.Expr:
    operand = check.check(node.operand)
    if isinstance(operand, typed.Value | typed.Read):
        raise CompileError("D_ADDROF_VAR", "cannot take the address of a D variable", node.span)
    if not isinstance(operand, typed.Load):
        raise CompileError("D_ADDROF_LVAL", "operator & requires an lvalue operand", node.span)
    if operand.bits:
        raise CompileError("D_ADDROF_BITFIELD", "cannot take the address of a bit-field", node.span)
    return changed(operand.address, type=PointerType(operand.type))
