"""The options of -x, #pragma D option and setopt(): kinds, defaults, when they may change (contract section 10)."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class Phase(Enum):
    """Until when an option may be set."""

    COMPILE = "compile-time"
    STATIC = "before tracing starts"
    DYNAMIC = "any time"


Parse = Callable[[str | None], int | str | None]
"""From the text behind ``=`` (None without one) to a value, or None for unset; raises ValueError."""

INVALID_NAME = "Invalid option name"
INVALID_VALUE = "Invalid value for specified option"
FORBIDDEN = "Option cannot be used from within a D program"
ACTIVE = "Operation illegal when tracing is active"

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


def at_least(least: int, parse: Parse) -> Parse:
    """A number that may not be smaller."""

    def bounded(text: str | None) -> int | str | None:
        value = parse(text)
        if not isinstance(value, int) or value < least:
            raise ValueError(INVALID_VALUE)
        return value

    return bounded


def at_most(most: int, parse: Parse) -> Parse:
    """A number for which there is room up to a limit of this version of dtpy."""

    def bounded(text: str | None) -> int | str | None:
        value = parse(text)
        if isinstance(value, int) and value > most:
            raise ValueError(f"a value above {most} is not implemented (yet)")
        return value

    return bounded


class Option(NamedTuple):
    """One option. ``built`` says whether this version of dtpy can do what it asks for."""

    name: str
    parse: Parse
    phase: Phase
    default: int | str | None = None
    built: bool = True
    pragma: bool = True


def _rows(phase: Phase, parse: Parse, names: str, built: bool = True, pragma: bool = True) -> list[Option]:
    return [Option(name, parse, phase, None, built, pragma) for name in names.split()]


_C, _S, _D = Phase.COMPILE, Phase.STATIC, Phase.DYNAMIC

OPTIONS = {
    row.name: row
    for row in (
        *_rows(_C, flag, "argref defaultargs droptags empty errtags nolibs zdefs"),
        *_rows(_C, flag, "core cpp debug kdefs knodefs lazyload linknommap pspec strip udefs unodefs verbose", False),
        *_rows(_C, anything, "amin ctypes debugassert dofstashpath dtypes encoding evaltime libdir", False),
        *_rows(_C, anything, "disasm iregs late linkmode linktype pgmax preallocate syslibdir sysslice", False),
        *_rows(_C, anything, "tree tregs useruid version", False),
        *_rows(_C, flag, "cpphdrs", False, pragma=False),
        *_rows(
            _C, anything, "cpppath define incdir undef ldpath objcopypath setenv unsetenv stdc", False, pragma=False
        ),
        *_rows(_C, anything, "cppargs ctfpath modpath procfspath lockmem", False, pragma=False),
        Option("aggpercpu", flag, _C, built=False),
        Option("aggsize", size, _S, 4 << 20),
        Option("bufpolicy", one_of("switch", "fill", "ring"), _S, "switch"),
        Option("bufresize", one_of("auto", "manual"), _S, "auto"),
        Option("bufsize", at_most(1 << 29, size), _S, 4 << 20),  # the verifier knows no larger offset (BPF_MAX_VAR_OFF)
        Option("cpu", cpu, _S),
        Option("destructive", scalar, _S),
        Option("detach", one_of("wait", "background"), _S, "wait"),
        Option("dynvarsize", size, _S, 1 << 20),
        Option("stackframes", at_least(1, scalar), _S, 20),
        Option("statusrate", rate, _S, 10**9),
        Option("strsize", at_least(2, at_most(1024, size)), _S, 256),
        Option("teardownreport", scalar, _S),
        *_rows(_S, rate, "cleanrate", False),
        *_rows(_S, scalar, "bpflog grabanon maxframes noresolve nspec jstackframes temporal ustackframes", False),
        *_rows(_S, size, "bpflogsize jstackstrsize pcapsize scratchsize specsize", False),
        Option("aggrate", rate, _D, 10**9),
        Option("aggsortkey", scalar, _D),
        Option("aggsortkeypos", scalar, _D, 0),
        Option("aggsortpos", scalar, _D, 0),
        Option("aggsortrev", scalar, _D),
        Option("flowindent", scalar, _D),
        Option("quiet", scalar, _D),
        Option("stackindent", at_most(1 << 16, scalar), _D, 14),
        Option("switchrate", rate, _D),
        *_rows(_D, scalar, "agghist aggpack aggzoom errexit quietresize rawbytes", False),
        *_rows(_D, size, "printsize", False),
    )
}


class Options:
    """The options of one run: the defaults, and what was set, the last writer winning (X9)."""

    def __init__(self) -> None:
        self._values: dict[str, int | str | None] = {name: row.default for name, row in OPTIONS.items()}
        self.given: set[str] = set()
        """The options that were set by anyone."""
        self.active = False
        """Whether tracing has started."""

    def set(self, name: str, text: str | None, pragma: bool = False) -> None:
        """Set an option from text. Raises ValueError with DTrace's reason."""
        row = OPTIONS.get(name)
        if row is None:
            raise ValueError(INVALID_NAME)
        if pragma and not row.pragma:
            raise ValueError(FORBIDDEN)
        if self.active and row.phase is not Phase.DYNAMIC:
            raise ValueError(ACTIVE)
        value = row.parse(text)
        if not row.built:
            raise ValueError(f"option {name} is not implemented (yet)")
        self._values[name] = row.default if value is None else value
        self.given.add(name)

    def flag(self, name: str) -> bool:
        """Whether a flag is set; 0 counts as set (X6)."""
        return self._values[name] is not None

    def number(self, name: str) -> int:
        """The value of a numeric option that has a default."""
        value = self._values[name]
        assert isinstance(value, int), name
        return value

    def optional(self, name: str) -> int | None:
        """The value of a numeric option that may be unset."""
        value = self._values[name]
        assert not isinstance(value, str), name
        return value

    def word(self, name: str) -> str:
        """The value of an option that is one of some words."""
        value = self._values[name]
        assert isinstance(value, str), name
        return value
