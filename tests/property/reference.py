"""D's expressions evaluated in Python, by the contract (C1 to C5, O1 to O16, O24) and not by the compiler's own rules.

A node is an expression with its text, its type, and what it comes to: a 64-bit register as an unsigned number, or a string.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

WORD = (1 << 64) - 1


class Fault(Exception):
    """A fault of the clause."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


DIVIDED_BY_ZERO = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """An integer type."""

    name: str
    size: int
    signed: bool

    def held(self, register: int) -> int:
        """What a register holds after a value of this type was loaded: the low bytes, extended (C1)."""
        bits = 8 * self.size
        low = register & (1 << bits) - 1
        return (low - (1 << bits) if self.signed and low >> bits - 1 else low) & WORD


KINDS = tuple(
    Kind(f"{'' if signed else 'u'}int{8 * size}_t", size, signed) for size in (1, 2, 4, 8) for signed in (True, False)
)
INT, SIZE = Kind("int", 4, True), Kind("size_t", 8, False)


def signed(register: int) -> int:
    """A register as a signed number."""
    return register - (1 << 64) if register >> 63 else register


def common(left: Kind, right: Kind) -> Kind:
    """The usual conversions (C2): the wider one, or the unsigned one."""
    if left.size != right.size:
        return left if left.size > right.size else right
    return right if left.signed else left


@dataclass
class State:
    """The variables of a program, registers and strings; what was never stored is 0."""

    numbers: dict[object, int] = field(default_factory=dict)
    strings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """An integer expression."""

    text: str
    level: int
    """How tightly it binds: the place in the table of operators, from the comma at 0."""
    kind: Kind
    value: Callable[[State], int]
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A string expression."""

    text: str
    level: int
    value: Callable[[State], str]


LEVELS = {
    ",": 0,
    "=": 1,
    "?": 2,
    "||": 3,
    "^^": 4,
    "&&": 5,
    "|": 6,
    "^": 7,
    "&": 8,
    **dict.fromkeys(("==", "!="), 9),
    **dict.fromkeys(("<", "<=", ">", ">="), 10),
    **dict.fromkeys(("<<", ">>"), 11),
    **dict.fromkeys(("+", "-"), 12),
    **dict.fromkeys(("*", "/", "%"), 13),
    "unary": 14,
    "postfix": 15,
    "primary": 16,
}


def calculated(op: str, kind: Kind, left: int, right: int) -> int:
    """A binary operator on registers; ``kind`` says whether it is a signed one."""
    match op:
        case "+":
            return left + right & WORD
        case "-":
            return left - right & WORD
        case "*":
            return left * right & WORD
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "<<":
            return left << (right & 63) & WORD
        case ">>":
            return (signed(left) if kind.signed else left) >> (right & 63) & WORD
        case "/" | "%":
            return _divided(op, kind, left, right)
    raise ValueError(op)


def _divided(op: str, kind: Kind, left: int, right: int) -> int:
    if right == 0:
        raise Fault(DIVIDED_BY_ZERO)
    if not kind.signed:
        return left // right if op == "/" else left % right
    a, b = signed(left), signed(right)
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return (quotient if op == "/" else a - quotient * b) & WORD


def compared(op: str, left: int | str, right: int | str) -> int:
    """A relational operator."""
    match op:
        case "==":
            return int(left == right)
        case "!=":
            return int(left != right)
        case "<":
            return int(left < right)  # type: ignore[operator]
        case "<=":
            return int(left <= right)  # type: ignore[operator]
        case ">":
            return int(left > right)  # type: ignore[operator]
        case ">=":
            return int(left >= right)  # type: ignore[operator]
    raise ValueError(op)


# Strings (contract 7)


def index(text: str, part: str, start: int) -> int:
    """R15."""
    start = max(start, 0)
    if not text and not part:
        return 0
    if start >= len(text):
        return -1 if part else len(text)
    return text.find(part, start)


def rindex(text: str, part: str, start: int | None) -> int:
    """R16."""
    if not text and not part:
        return 0
    if start is None:
        start = len(text)
    if start < 0:
        return -1 if part else 0
    start = min(start, len(text))
    return text.rfind(part, 0, start + len(part)) if part else start


def substr(text: str, start: int, count: int | None) -> str:
    """R35."""
    if start < 0:
        start += len(text)
        if start < 0 and count is not None and count >= 0:
            count += start  # what lies before the text counts
            if count < 0:
                return ""
        if start < 0:
            if count is None and start + len(text) < 0:
                return text
            start = 0
    if start >= len(text):
        return ""
    if count is None:
        return text[start:]
    end = start + count if count >= 0 else len(text) + count
    return text[start : max(end, start)]


def basename(path: str) -> str:
    """R2."""
    if not path:
        return "."
    return path.rstrip("/").rsplit("/", 1)[-1] or "/"


def dirname(path: str) -> str:
    """R11."""
    kept = path.rstrip("/")
    if not kept:
        return "/" if path else "."
    if "/" not in kept:
        return "."
    return kept.rsplit("/", 1)[0].rstrip("/") or "/"


def in_base(number: int, base: int) -> str:
    """R22: signed in base 10 only; with C's prefixes in 8 and 16."""
    value = signed(number) if base == 10 else number
    digits = ""
    rest = abs(value)
    while rest:
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % base] + digits
        rest //= base
    prefix = {8: "0" if value else "", 16: "0x"}.get(base, "")
    return ("-" if value < 0 else "") + prefix + (digits or "0")


def to_number(text: str, base: int) -> int:
    """R34."""
    text = text.lstrip(" \t")
    negative = text.startswith("-")
    if text[:1] in ("-", "+") and text:
        text = text[1:]
    if base == 16 and text[:2] in ("0x", "0X"):
        text = text[2:]
    value = 0
    for char in text:
        digit = "0123456789abcdefghijklmnopqrstuvwxyz".find(char.lower())
        if not 0 <= digit < base:
            break
        value = value * base + digit
    return (-value if negative else value) & WORD


def upper(text: str) -> str:
    """R36."""
    return "".join(chr(ord(char) - 32) if "a" <= char <= "z" else char for char in text)


def lower(text: str) -> str:
    """R36."""
    return "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in text)
