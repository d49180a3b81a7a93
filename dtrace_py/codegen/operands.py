"""What an expression becomes in C: the text of a 64-bit integer, or a string buffer and its size."""

from __future__ import annotations

from dtrace_py.lang import typed
from dtrace_py.lang.types import IntType, Type
from dtrace_py.lang.userland import is_of_process
from dtrace_py.record import record

_INT_MAX = (1 << 31) - 1

PROCESS = "bpf_get_current_pid_tgid() >> 32"
"""C text of the current process's id."""


@record
class Number:
    """C text of integer type. ``ctype`` is s64, u64 or int (a truth value); ``loose`` text needs parentheses.

    The text may read memory that a later part of the same D statement changes.
    """

    text: str
    ctype: str = "s64"
    loose: bool = False
    constant: int | None = None

    def __str__(self) -> str:
        """The text as an operand of a C operator."""
        return f"({self.text})" if self.loose else self.text

    def as_(self, ctype: str) -> str:
        """The text as an operand of that C type. A small constant is an int, until it is said to be more."""
        return str(self) if self.ctype == ctype and self.constant is None else f"({ctype}){self}"

    @property
    def wide(self) -> str:
        """The text as a 64-bit operand: C's own int is too narrow for D's arithmetic (C1)."""
        if self.constant is not None:
            return str(self) if abs(self.constant) <= _INT_MAX else self.as_(self.ctype)
        return f"(s64){self}" if self.ctype == "int" else str(self)


def constant(value: int, unsigned: bool = False) -> Number:
    """An integer constant in C."""
    if value == -(1 << 63):
        return Number("(-9223372036854775807LL - 1)", "s64", constant=value)
    if unsigned and value > (1 << 63) - 1:
        return Number(f"{value}ULL", "u64", constant=value)
    suffix = "" if abs(value) <= _INT_MAX else "LL"
    return Number(f"{value}{suffix}", "s64", loose=value < 0, constant=value)


def joint(*numbers: Number) -> str:
    """The C type of a 64-bit result of these: unsigned if one of them is."""
    return "u64" if any(number.ctype == "u64" for number in numbers) else "s64"


def storage_type(kind: Type) -> str:
    """The C type that holds a D integer or pointer in memory."""
    if isinstance(kind, IntType):
        return f"{'s' if kind.signed else 'u'}{kind.size * 8}"
    return "u64"


def stored(text: str, kind: Type, bits: tuple[int, int] | None = None) -> Number:
    """An integer or pointer that memory holds, by C text of it; or the bit-field in it, which is (shift, width) (D2)."""
    if bits is None:
        ctype = storage_type(kind)
        return Number(text, ctype if ctype in ("s64", "u64") else "int")
    shift, width = bits
    if isinstance(kind, IntType) and kind.signed:
        return Number(f"(s64)((u64){text} << {64 - shift - width}) >> {64 - width}", loose=True)
    return Number(f"(u64){text} >> {shift} & {(1 << width) - 1:#x}", "u64", loose=True)


@record
class Buffer:
    """A string: C text of a pointer to ``size`` bytes, a multiple of 8, zero behind the text. Or a literal, not in memory.

    ``null`` is C text of whether it is NULL, which is in memory as an empty string is; empty if it never is.
    """

    text: str
    size: int
    literal: str | None = None
    changes: bool = False
    null: str = ""

    def word(self, number: int) -> str:
        """C text of its n-th 64-bit word; zero beyond its end."""
        if number >= self.size // 8:
            return "0"
        if self.literal is not None:
            raw = self.literal.encode("latin-1")[number * 8 : number * 8 + 8]
            return f"{int.from_bytes(raw.ljust(8, bytes(1)), 'little'):#x}ULL"
        return f"WORD({self.text}, {number})"


def literal(text: str, strsize: int) -> Buffer:
    """A string constant, cut at its first NUL and to strsize (S1)."""
    text = text.split("\0")[0][: strsize - 1]
    return Buffer("", padded(len(text) + 1), literal=text)


NULL = Buffer("", 8, literal="", null="1")
"""The string that is none (S3)."""


def loading(address: typed.Expr) -> str:
    """What the macros of bpf/fault.h that read at an address begin with: it is the kernel's, or the current process's."""
    return "LOAD_USER" if is_of_process(address) else "LOAD"


def padded(size: int) -> int:
    """``size`` rounded up to whole words."""
    return -(-size // 8) * 8
