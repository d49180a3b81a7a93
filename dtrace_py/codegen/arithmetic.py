"""D's operators on integers in C, whose own are of other widths and signs (contract C1 to C5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen.operands import Number, joint, storage_type, stored
from dtrace_py.lang import typed
from dtrace_py.lang.types import IntType, Type

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions


def arithmetic(make: Expressions, op: str, left: Number, right: Number, kind: Type) -> Number:
    """``left op right`` as the type's sign says."""
    signed = isinstance(kind, IntType) and kind.signed
    if op in ("/", "%"):
        return _divide(make, op, left, right, signed)
    if op in ("<<", ">>"):
        return _shift(op, left, right, signed)
    ctype = joint(left, right)
    # What assignments were found to store is known on both sides, and would be ints in C.
    known = left.constant is not None and right.constant is not None
    return Number(f"{left.as_(ctype) if known else left.wide} {op} {right.wide}", ctype, loose=True)


def _divide(make: Expressions, op: str, left: Number, right: Number, signed: bool) -> Number:
    if not right.constant:  # 0 is one that an assignment was found to store
        left, right = make.save(left), make.save(right)
        make.writer.line(f"CHECK_DIVISOR({right.text});")
    if signed:
        function = "signed_divide" if op == "/" else "signed_modulo"
        return Number(f"{function}({left.text}, {right.text})")
    if op == "/" and right.constant is None:
        return Number(f"unsigned_divide({left.text}, {right.text})", "u64")
    return Number(f"{left.as_('u64')} {op} {right.as_('u64')}", "u64", loose=True)


def _shift(op: str, left: Number, right: Number, signed: bool) -> Number:
    count = f"({right} & 63)" if right.constant is None else right.text
    if right.constant is not None and not 0 <= right.constant < 64:
        count = str(right.constant & 63)
    ctype = "s64" if signed and op == ">>" else "u64"
    return Number(f"{left.as_(ctype)} {op} {count}", ctype, loose=True)


def compare(op: str, left: Number, right: Number, signed: bool) -> Number:
    """A comparison of integers, both sides as signed or as unsigned numbers (C5)."""

    def side(number: Number) -> str:
        if signed:
            return number.wide if number.ctype != "u64" else f"(s64){number}"
        if number.constant is not None and number.constant >= 0:
            return str(number)
        return number.wide if number.ctype == "u64" else f"(u64){number.wide}"

    return Number(f"{side(left)} {op} {side(right)}", "int", loose=True)


def cut(number: Number, kind: Type) -> Number:
    """A number as one of that type."""
    return stored(f"({storage_type(kind)}){number}", kind)


def holds(kind: Type, operand: typed.Expr) -> bool:
    """Whether the register that the operand is in already is a value of the type."""
    if not isinstance(kind, IntType) or kind.size == 8:
        return True
    if isinstance(operand, typed.Arithmetic | typed.Unary | typed.Conditional | typed.Comma | typed.Update):
        return False  # C1: their registers may hold more than their type
    source = operand.type
    if not isinstance(source, IntType):
        return False
    if source.size < kind.size:
        return not source.signed or kind.signed
    return source.size == kind.size and source.signed == kind.signed
