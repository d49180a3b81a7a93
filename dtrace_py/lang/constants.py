"""Constants: what a literal means, and arithmetic on constants by the rules of run time (C1, C2, C10)."""

from __future__ import annotations

import operator
import re

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.intrinsics import INTRINSICS
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import INT, IntType, Type

_LITERAL = re.compile(r"[-+]?(?P<digits>0[xX][0-9a-fA-F]+|[0-9]+)(?P<suffix>[uU]?[lL]?[lL]?)")
_COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_LADDER = ("int", "unsigned int", "long", "unsigned long", "long long", "unsigned long long")


def integer(text: str, span: Span) -> tuple[int, IntType]:
    """The value and C99 type of an integer literal, or of a macro argument with a sign (L2, L3, L31)."""
    match = _LITERAL.fullmatch(text)
    if not match:
        raise CompileError("D_SYNTAX", f'syntax error near "{text}"', span)
    digits, suffix = match["digits"], match["suffix"].lower()
    decimal = digits == "0" or digits[0] != "0"
    if not decimal and digits[1] not in "xX" and re.search("[89]", digits):
        raise CompileError("D_INT_DIGIT", f"invalid digit in octal constant: {text}", span)
    too_long = decimal and len(digits) > 20  # Python refuses to read thousands of digits
    value = 0 if too_long else int(digits, 10 if decimal else 16 if digits[1] in "xX" else 8)
    if too_long or value >= 1 << 64:
        raise CompileError("D_INT_OFLOW", f"integer constant {text} cannot be represented in any built-in type", span)
    for name in _LADDER:
        kind = INTRINSICS[name]
        assert isinstance(kind, IntType)
        if name.count("long") < suffix.count("l") or ("u" in suffix and kind.signed):
            continue
        if decimal and "u" not in suffix and not kind.signed:
            continue
        if value < 1 << (kind.size * 8 - kind.signed):
            return wrap(-value if text[0] == "-" else value, kind), kind
    raise CompileError("D_INT_OFLOW", f"integer constant {text} cannot be represented in any built-in type", span)


def character(value: str) -> int:
    """The value of a character constant: an int, the first of several characters most significant (L5)."""
    number = int.from_bytes(value.encode("latin-1"), "big")
    if len(value) == 1:
        return cut(number, IntType("char", 1, True))
    return cut(number, INT) if len(value) <= 4 else wrap(number, INT)


def wrap(value: int, kind: Type) -> int:
    """The 64-bit register that ``value`` is in, read as the type's sign says."""
    value &= (1 << 64) - 1
    signed = isinstance(kind, IntType) and kind.signed
    return value - (1 << 64) if signed and value >> 63 else value


def cut(value: int, kind: Type) -> int:
    """``value`` truncated to the width of the type, then extended again by its sign."""
    if not isinstance(kind, IntType):
        return value & ((1 << 64) - 1)
    bits = kind.size * 8
    value &= (1 << bits) - 1
    return value - (1 << bits) if kind.signed and value >> (bits - 1) else value


def arithmetic(op: str, left: int, right: int, kind: Type) -> int:
    """``left op right`` in 64 bits; division and remainder truncate toward zero (O24). Zero divisors are the caller's."""
    match op:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "*":
            result = left * right
        case "/" | "%":
            left, right = wrap(left, kind), wrap(right, kind)
            quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            result = quotient if op == "/" else left - right * quotient
        case "&":
            result = left & right
        case "|":
            result = left | right
        case "^":
            result = left ^ right
        case "<<":
            result = left << (right & 63)
        case ">>":
            result = wrap(left, kind) >> (right & 63)
        case _:
            raise AssertionError(op)
    return wrap(result, kind)


def comparison(op: str, left: int, right: int, kind: Type) -> int:
    """1 or 0: ``left op right`` as values of the type that both become (C4, C5)."""
    return int(_COMPARISONS[op](wrap(left, kind), wrap(right, kind)))


def logical(op: str, left: int, right: int) -> int:
    """1 or 0: ``left op right`` for ``&& || ^^``."""
    truths = (left != 0) + (right != 0)
    return int(truths == 2 if op == "&&" else truths > 0 if op == "||" else truths == 1)
