"""How the values of options are written: flags, sizes, rates, words (contract 10.1)."""

from __future__ import annotations

import re
from collections.abc import Callable

from dtrace_py.lang.tables.stability import CLASSES, STABILITIES
from dtrace_py.lang.tables.versions import VERSIONS, encoded

Parse = Callable[[str | None], int | str | None]
"""From the text behind ``=`` (None without one) to a value, or None for unset; raises ValueError."""

INVALID_VALUE = "Invalid value for specified option"

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_ON = frozenset("yes enable enabled true on set".split())
_OFF = frozenset("no disable disabled false off unset".split())
_RATES = {
    **dict.fromkeys(("", "ns", "nsec"), 1),
    **dict.fromkeys(("us", "usec"), 10**3),
    **dict.fromkeys(("ms", "msec"), 10**6),
    **dict.fromkeys(("s", "sec"), 10**9),
    **dict.fromkeys(("m", "min"), 60 * 10**9),
    **dict.fromkeys(("h", "hour"), 3600 * 10**9),
    **dict.fromkeys(("d", "day"), 86400 * 10**9),
}


def number(text: str) -> int:
    """A number with C's prefixes: decimal, 0 octal, 0x hexadecimal."""
    if not re.fullmatch(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*", text):
        raise ValueError(INVALID_VALUE)
    value = int(text, 8 if re.fullmatch(r"0[0-7]+", text) else 0)
    if value >= 1 << 63:
        raise ValueError(INVALID_VALUE)
    return value


def size(text: str | None) -> int:
    """Bytes, with at most one of k m g t behind the number (X4)."""
    if text is None:
        return 0
    match = re.fullmatch(r"(\w*?)([kKmMgGtT]?)", text)
    if not match:
        raise ValueError(INVALID_VALUE)
    value = number(match[1]) << _UNITS[match[2].lower()]
    if value >= 1 << 63:
        raise ValueError(INVALID_VALUE)
    return value


def size_text(value: int) -> str:
    """Bytes as people read them: whole multiples of the largest unit that there is (X10)."""
    for letter, shift in reversed(_UNITS.items()):
        if letter and value and value % (1 << shift) == 0:
            return f"{value >> shift}{letter}"
    return f"{value} bytes"


def rate(text: str | None) -> int:
    """An interval in nanoseconds from a number and a unit, hz among them (X5)."""
    if text is None:
        return 0
    match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([a-zA-Z]*)", text)
    if not match:
        raise ValueError(INVALID_VALUE)
    value, unit = number(match[1]), match[2].lower()
    if unit == "hz":
        return 10**9 // value if value else 0
    if unit not in _RATES:
        raise ValueError(INVALID_VALUE)
    return value * _RATES[unit]


def scalar(text: str | None) -> int | None:
    """A run-time flag or number (X6): no value at all is 0, which counts as set."""
    if text is None:
        return 0
    if text.lower() in _ON:
        return 1
    if text == "" or text.lower() in _OFF:
        return None
    return number(text)


def flag(text: str | None) -> int:
    """A compile-time flag, which takes no value (X3)."""
    if text is not None:
        raise ValueError(INVALID_VALUE)
    return 1


MOST_CAPTURED = 65535


def capture(text: str | None) -> int:
    """Bytes to capture of a packet, in whole words; what makes no sense is an Ethernet frame's."""
    value = size(text)
    return -(-(value if 0 < value <= MOST_CAPTURED else 1514) // 8) * 8


def cpu(text: str | None) -> int | None:
    """A CPU's number, or all of them."""
    return None if text == "all" else scalar(text)


def one_of(*words: str) -> Parse:
    """One of these words."""

    def parse(text: str | None) -> str:
        if text not in words:
            raise ValueError(INVALID_VALUE)
        return text

    return parse


def anything(text: str | None) -> str:
    """Any text, but there must be one."""
    if text is None:
        raise ValueError(INVALID_VALUE)
    return text


def assignment(text: str | None) -> str:
    """``NAME=VALUE`` of an environment."""
    if not text or "=" not in text[1:] or text[0] == "=":
        raise ValueError(INVALID_VALUE)
    return text


def plain_name(text: str | None) -> str:
    """A name in an environment."""
    if not text or "=" in text:
        raise ValueError(INVALID_VALUE)
    return text


def size_or(word: str) -> Parse:
    """A size, or that word for no bound."""

    def parse(text: str | None) -> int | None:
        if text is None:
            raise ValueError(INVALID_VALUE)
        return None if text == word else size(text)

    return parse


def at_least(least: int, parse: Parse) -> Parse:
    """A number that may not be smaller."""

    def bounded(text: str | None) -> int | str | None:
        value = parse(text)
        if not isinstance(value, int) or value < least:
            raise ValueError(INVALID_VALUE)
        return value

    return bounded


def between(least: int, most: int, parse: Parse) -> Parse:
    """A number within limits."""

    def bounded(text: str | None) -> int | str | None:
        value = at_least(least, parse)(text)
        if isinstance(value, int) and value > most:
            raise ValueError(INVALID_VALUE)
        return value

    return bounded


def stability(text: str | None) -> str:
    """Attributes: two stabilities and a class, as in ``Evolving/Evolving/Common``."""
    words = (text or "").split("/")
    if len(words) != 3 or not {*words[:2]} <= {*STABILITIES} or words[2] not in CLASSES:
        raise ValueError(INVALID_VALUE)
    return "/".join(words)


def version(text: str | None) -> int:
    """A version of the language. One that never was is invalid, and a note says what is wrong with it (14.2)."""
    try:
        value = encoded(text or "")
    except ValueError:
        raise _noted("Version is not properly formatted or is too large") from None
    if value not in map(encoded, VERSIONS):
        raise _noted("Requested version is not supported by compiler")
    return value


def _noted(note: str) -> ValueError:
    error = ValueError(INVALID_VALUE)
    error.add_note(note)
    return error
