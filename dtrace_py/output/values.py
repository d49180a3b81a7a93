"""Single values: numbers and strings of trace(), addresses, escaped text, times."""

from __future__ import annotations

import time
from collections.abc import Callable

from dtrace_py.output import users
from dtrace_py.output.users import NoUsers, Users


class Lookup:
    """Finds (module, function, offset) of a kernel address; ``users`` knows those of processes."""

    def __init__(self, kernel: Callable[[int], tuple[str, str, int] | None], of_processes: Users | None = None) -> None:
        self._kernel = kernel
        self.users = of_processes or NoUsers()

    def __call__(self, at: int) -> tuple[str, str, int] | None:
        return self._kernel(at)


_WIDTHS = {1: 3, 2: 5, 4: 8, 8: 16}

_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def traced_number(value: int, size: int, quiet: bool) -> str:
    """An integer as trace() shows it (U20 to U23): 4 and 8 bytes signed, smaller ones by their type."""
    if size >= 4:
        value = as_signed(value, size)
    return str(value) if quiet else f" {value:>{_WIDTHS[size]}}"


def traced_text(text: str, quiet: bool) -> str:
    """A string as trace() shows it (U24)."""
    return text if quiet else f"  {text:<33}"


def key_width(size: int) -> int:
    """How wide an integer key is (G31)."""
    return _WIDTHS[size]


def key_number(value: int, size: int) -> str:
    """An integer key (G31): 1 and 2 bytes unsigned, as both DTraces have it."""
    value = as_signed(value, size) if size >= 4 else value & (1 << size * 8) - 1
    return f" {value:>{_WIDTHS[size]}}"


def as_signed(value: int, size: int) -> int:
    """The low ``size`` bytes as a signed number."""
    value &= (1 << size * 8) - 1
    return value - (1 << size * 8) if value >> (size * 8 - 1) else value


def address(at: int, lookup: Lookup) -> str:
    """``module`symbol+0xOFF``, ``module`symbol`` when exact, or ``0xADDR`` (U40)."""
    found = lookup(at)
    if found is None:
        return f"{at:#x}"
    module, function, offset = found
    return f"{module}`{function}+{offset:#x}" if offset else f"{module}`{function}"


def symbol(at: int | tuple[int, ...], what: str, lookup: Lookup) -> str:
    """The result of sym(), func() or mod() (A9, A10): no offset, or only the module. Of usym() and its kin (A11 to A13), if it
    is a process and its address."""
    if isinstance(at, tuple):
        process, at = at
        return users.symbol(process, at, what, lookup.users)
    found = lookup(at)
    if found is None:
        return f"{at:#x}"
    return found[0] if what == "mod" else f"{found[0]}`{found[1]}"


def stack(frames: tuple[int, ...], what: str, indent: int, lookup: Lookup) -> str:
    """A stack: a newline, then a frame a line (U40, U41). A ``ustack`` begins with the process; the kernel's are those of 0."""
    if what == "ustack":
        if frames[0]:
            return users.stack(frames, indent, lookup.users)
        frames = frames[1:]
    return "\n" + "".join(f"{'':{indent}}{address(frame, lookup)}\n" for frame in frames)


def escaped(text: str, quotes: bool = True) -> str:
    """Unprintable characters as C escapes (PF23, PF25)."""
    parts = []
    for char in text:
        code = ord(char)
        if code in _ESCAPES and (quotes or code not in (34, 92)):
            parts.append(_ESCAPES[code])
        elif code == 0:
            parts.append("\\0")
        else:
            parts.append(char if 32 <= code < 127 else f"\\{code:03o}")
    return "".join(parts)


def calendar(nanoseconds: int) -> str:
    """%Y: ``2026 Nov  3 14:05:06`` in local time (PF31)."""
    when = time.localtime(nanoseconds // 10**9)
    return f"{when.tm_year} {_MONTHS[when.tm_mon - 1]} {when.tm_mday:2} {_clock(when)}"


def mail_date(nanoseconds: int) -> str:
    """%T: ``Tue, 03 Nov 2026 14:05:06 CET`` (PF32)."""
    when = time.localtime(nanoseconds // 10**9)
    day = f"{_DAYS[when.tm_wday]}, {when.tm_mday:02} {_MONTHS[when.tm_mon - 1]} {when.tm_year}"
    return f"{day} {_clock(when)} {when.tm_zone}"


def _clock(when: time.struct_time) -> str:
    return f"{when.tm_hour:02}:{when.tm_min:02}:{when.tm_sec:02}"


_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
