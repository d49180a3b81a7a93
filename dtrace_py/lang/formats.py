"""printf and printa formats, taken apart and checked at compile time (contract 6.6)."""

from __future__ import annotations

import re

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span
from dtrace_py.record import record

_CONVERSION = re.compile(
    r"%(?P<flags>[-+ #0'?@]*)(?P<width>\*|\d+)?(?P<at>@?)(?:\.(?P<precision>\*|\d+)?)?(?P<size>h|ll|l|L|w)?(?P<letter>.)?",
    re.S,
)
"""An ``@`` is taken behind the width too, as DTrace does."""

INTEGERS = frozenset("diouxX")
FLOATS = frozenset("eEfgG")
_CONVERSIONS = INTEGERS | FLOATS | frozenset("cCsSpaAkYTPI") | frozenset("Le LE Lf Lg LG wc lc ws ls".split())
_CONVERSIONS |= {size + letter for size in ("h", "l", "ll") for letter in INTEGERS}
"""Conversions with their size prefix (PF20 to PF37)."""


@record
class Conversion:
    """One ``%`` conversion. ``width`` and ``precision`` are numbers, "*" (taken from an argument) or None."""

    flags: str
    width: int | str | None
    precision: int | str | None
    size: str
    letter: str

    @property
    def of_value(self) -> bool:
        """Whether it takes the value of an aggregation rather than a key (PF5)."""
        return "@" in self.flags

    @property
    def stars(self) -> int:
        return (self.width == "*") + (self.precision == "*")


@record
class Format:
    """A format: literal text and conversions, in order."""

    parts: tuple[str | Conversion, ...]

    @property
    def conversions(self) -> tuple[Conversion, ...]:
        return tuple(part for part in self.parts if isinstance(part, Conversion))


def parse_format(text: str, span: Span) -> Format:
    """Take a format apart. Raises D_SYNTAX for an unknown conversion (PF11), D_PRINTF_FMT_EMPTY for an empty one."""
    text = text.split("\0", 1)[0]
    if not text:
        raise CompileError("D_PRINTF_FMT_EMPTY", "format string is empty", span)
    parts: list[str | Conversion] = []
    at, number = 0, 0
    while at < len(text):
        percent = text.find("%", at)
        if percent < 0:
            parts.append(text[at:])
            break
        if percent > at:
            parts.append(text[at:percent])
        match = _CONVERSION.match(text, percent)
        assert match
        at = match.end()
        if match[0] == "%%":
            parts.append("%")
            continue
        number += 1
        parts.append(_conversion(match, number, span))
    return Format(tuple(parts))


def _conversion(match: re.Match[str], number: int, span: Span) -> Conversion:
    flags, letter, size = match["flags"] + match["at"], match["letter"] or "", match["size"] or ""
    if letter == "$":
        raise CompileError("D_SYNTAX", f"format conversion #{number} positional format is not supported", span)
    if size + letter not in _CONVERSIONS:
        raise CompileError("D_SYNTAX", f"format conversion #{number} is undefined: %{size}{letter}", span)
    return Conversion(flags, _number(match["width"]), _number(match["precision"]), size, letter)


def _number(text: str | None) -> int | str | None:
    return "*" if text == "*" else int(text) if text else None
