"""Array elements, members and addresses (contract V4, O20 to O22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import typed
from dtrace_py.lang.check.arithmetic import arithmetic, offset
from dtrace_py.lang.check.conversions import as_declared, characters, convert, decayed, fits
from dtrace_py.lang.check.errors import undefined, wrong_argument, wrong_count
from dtrace_py.lang.check.names import array_named, is_new, scoped_name
from dtrace_py.lang.check.translations import builtin_element, placed, translated_member
from dtrace_py.lang.definitions import Inline
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.facts import Field
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.hints import like
from dtrace_py.lang.scope import pointee
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.variables import ARRAYS
from dtrace_py.lang.types import (
    INT64,
    SIZE,
    STRING,
    UINTPTR,
    ArrayType,
    PointerType,
    StringType,
    StructType,
    Type,
    is_scalar,
    is_string_like,
    size_of,
)
from dtrace_py.lang.userland import load, pointer

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


def index(check: ExpressionChecker, node: ast.Index) -> typed.Expr:
    """``base[keys]``: of an associative array, a built-in array, an inline with parameters, or of memory."""
    base = node.base
    if array := array_named(check, base):
        assert array.keys is not None
        return typed.Value(array.type, node.span, array, keys(check, str(array), node.keys, array.keys, node.span))
    if is_new(check, base):
        assert isinstance(base, ast.Name | ast.Scoped)
        raise undefined(check.scope, *scoped_name(base), node.span, array=True)
    if isinstance(base, ast.Name) and base.name not in check.bound:
        if check.scope.has(ARRAYS, base.name):
            return builtin_element(check, base.name, node)
        if (inline := check.scope.inline(base.name)) and inline.parameters is not None:
            return _inline(check, inline, inline.parameters, node)
    of = check.check(base)
    if len(node.keys) > 1:
        raise CompileError("D_ARR_BADREF", "cannot use array operator with a scalar variable", node.span)
    place = check.value(node.keys[0])
    if isinstance(of.type, ArrayType):
        _check_bounds(of.type, place, node.span)
        if not isinstance(of, typed.Load):  # a D variable
            return _element(check, of, of.type.element, place, node.span)
    pointer = characters(of) if isinstance(of.type, StringType) else decayed(of)
    target = pointee(pointer.type)
    return load(target, node.span, offset(check, pointer, place, "+", node.span))


def _check_bounds(kind: ArrayType, place: typed.Expr, span: Span) -> None:
    if isinstance(place, typed.Const) and kind.count and not 0 <= place.value < kind.count:
        text = f"index outside array bounds: {place.value}, max is {kind.count}"
        raise CompileError("D_ARR_BOUNDS", text, span)


def _element(check: ExpressionChecker, of: typed.Expr, kind: Type, place: typed.Expr, span: Span) -> typed.Expr:
    size = size_of(kind, check.scope.source, check.strsize) or 0
    if not is_scalar(place.type):
        raise wrong_argument("array", "index", 1, "int", place.type, span)
    if not isinstance(place, typed.Const):
        assert isinstance(of.type, ArrayType)
        place = typed.Within(INT64, place.span, place, of.type.count)
    return _part(check, of, kind, arithmetic(check, "*", place, typed.Const(INT64, span, size), INT64, span), span)


def _part(
    check: ExpressionChecker,
    of: typed.Expr,
    kind: Type,
    place: typed.Expr,
    span: Span,
    bits: tuple[int, int] | None = None,
) -> typed.Part:
    """What is at that place in a value; in a part of one, it is a part of the whole."""
    if isinstance(of, typed.Part):
        place = arithmetic(check, "+", of.offset, place, INT64, span)
        return typed.Part(kind, span, of.base, place, bits)
    return typed.Part(kind, span, of, place, bits)


def _inline(
    check: ExpressionChecker, inline: Inline, parameters: tuple[tuple[str, Type], ...], node: ast.Index
) -> typed.Expr:
    """``name[a, b]`` of an inline with parameters (D6)."""
    kinds = tuple(kind for _, kind in parameters)
    values = keys(check, inline.name, node.keys, kinds, node.span)
    bound = dict(zip((name for name, _ in parameters), values, strict=True))
    return as_declared(check.expansion(bound, inline.value, inline.source, node.span), inline.type, node.span)


def keys(
    check: ExpressionChecker, name: str, nodes: tuple[ast.Expr, ...], kinds: tuple[Type, ...], span: Span
) -> tuple[typed.Expr, ...]:
    """Index expressions converted to an array's key types (V4)."""
    if len(nodes) != len(kinds):
        raise wrong_count(f"{name}[ ]", len(nodes), len(kinds), span, "key")
    checked = []
    for number, (node, kind) in enumerate(zip(nodes, kinds, strict=True), start=1):
        key = check.value(node)
        if not fits(kind, key):
            raise wrong_argument(f"{name}[ ]", "key", number, kind, key.type, node.span)
        checked.append(convert(key, kind))
    return tuple(checked)


def key_type(key: typed.Expr, number: int, what: str) -> Type:
    """The type of a key at its first use; raises D_KEY_TYPE where there can be none."""
    if is_string_like(key.type):
        return STRING
    if not is_scalar(key.type):
        text = f"{key.type} expression may not be used as {what} index: key #{number}"
        raise CompileError("D_KEY_TYPE", text, key.span)
    return key.type


def require_complete(check: ExpressionChecker, kind: Type, op: str, span: Span) -> None:
    """Raise D_OP_INCOMPLETE for a structure of which only the name is known."""
    if isinstance(kind, StructType) and check.scope.source.size(kind) is None:
        text = f"operator {op} cannot be applied to a forward declaration: no {kind} definition is available"
        raise CompileError("D_OP_INCOMPLETE", text, span)


def member(check: ExpressionChecker, node: ast.Member) -> typed.Expr:
    """``base->name`` or ``base.name`` (O22)."""
    base = check.value(node.base) if node.arrow else check.check(node.base)
    kind = base.type
    if isinstance(base, typed.Translated) and base.pointer == node.arrow:
        return translated_member(check, base, node.name, node.span)
    if node.arrow:
        if not isinstance(kind, PointerType):
            raise CompileError("D_OP_PTR", f'left-hand side of "->" must be a pointer: "{kind}"', node.span)
        kind = kind.target
    if not isinstance(kind, StructType):
        op = "->" if node.arrow else "."
        raise CompileError("D_OP_SOU", f'operator {op} cannot be applied to type "{kind}"', node.span)
    require_complete(check, kind, "->" if node.arrow else ".", node.span)
    found = check.scope.source.member(kind, node.name)
    if found is None:
        known = like(node.name, lambda: [name for name, _ in check.scope.source.members(kind)])
        raise CompileError("D_TYPE_MEMBER", f"{node.name} is not a member of {kind}", node.span, known)
    return _field(check, base, found, node)


def _field(check: ExpressionChecker, base: typed.Expr, found: Field, node: ast.Member) -> typed.Expr:
    start, bits = placed(found, size_of(found.type, check.scope.source, check.strsize) or 8)
    place = typed.Const(SIZE, node.span, start)
    if node.arrow or isinstance(base, typed.Load):
        address = base if node.arrow else base.address if isinstance(base, typed.Load) else base
        if start:
            address = arithmetic(check, "+", address, place, UINTPTR, node.span)
        return load(found.type, node.span, address, bits)
    return _part(check, base, found.type, place, node.span, bits)


def address_of(check: ExpressionChecker, node: ast.Unary) -> typed.Expr:
    """``&operand`` (O20)."""
    if isinstance(node.operand, ast.Aggregation):
        raise CompileError("D_ADDROF_VAR", "cannot take the address of an aggregation", node.span)
    operand = check.check(node.operand)
    if isinstance(operand, typed.Load | typed.Part) and operand.bits:
        raise CompileError("D_ADDROF_BITFIELD", "cannot take the address of a bit-field", node.span)
    if isinstance(operand, typed.Value | typed.Read | typed.Part | typed.Translated | typed.Argument | typed.Element):
        raise CompileError("D_ADDROF_VAR", "cannot take the address of a D variable", node.span)
    if not isinstance(operand, typed.Load):
        raise CompileError("D_ADDROF_LVAL", "operator & requires an lvalue operand", node.span)
    return pointer(operand.address, operand.type)
