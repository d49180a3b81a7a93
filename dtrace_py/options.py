"""The options of -x, #pragma D option and setopt(): kinds, defaults, when they may change (contract section 10)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from dtrace_py.lang.tables.versions import VERSION, encoded
from dtrace_py.option_kinds import (
    Parse,
    anything,
    assignment,
    at_least,
    between,
    capture,
    cpu,
    flag,
    one_of,
    plain_name,
    rate,
    scalar,
    size,
    size_or,
    stability,
    version,
)


class Phase(Enum):
    """Until when an option may be set."""

    COMPILE = "compile-time"
    STATIC = "before tracing starts"
    DYNAMIC = "any time"


MOST_FRAMES = 127
"""What the kernel records of a stack, unless someone has raised it (sysctl kernel.perf_event_max_stack)."""

INVALID_NAME = "Invalid option name"
FORBIDDEN = "Option cannot be used from within a D program"
ACTIVE = "Operation illegal when tracing is active"
RAISED = "Requested version conflicts with earlier setting"


class Option(NamedTuple):
    """One option. ``built`` says whether this version of dtpy can do what it asks for when it is not the default."""

    name: str
    parse: Parse
    phase: Phase
    default: int | str | None = None
    built: bool = True
    pragma: bool = True
    most: int | None = None
    """The largest value that this version has room for."""
    lowers: bool = False
    """Whether each setting must be no higher than the one before it."""

    def refused(self, value: int | str | None) -> str | None:
        """What this version cannot do of what a value asks for."""
        if not self.built and value != self.default:
            return f"option {self.name}"
        if self.most is not None and isinstance(value, int) and value > self.most:
            return f"a value of {self.name} above {self.most}"
        return None


def _rows(phase: Phase, parse: Parse, names: str, built: bool = True, pragma: bool = True) -> list[Option]:
    return [Option(name, parse, phase, None, built, pragma) for name in names.split()]


_C, _S, _D = Phase.COMPILE, Phase.STATIC, Phase.DYNAMIC

OPTIONS = {
    row.name: row
    for row in (
        *_rows(
            _C, flag, "argref cpp defaultargs droptags empty errtags kdefs knodefs nolibs udefs unodefs verbose zdefs"
        ),
        *_rows(_C, flag, "core debug pspec"),
        *_rows(_C, flag, "cpphdrs", pragma=False),
        *_rows(_C, anything, "cppargs cpppath define incdir libdir syslibdir undef", pragma=False),
        Option("setenv", assignment, _C, pragma=False),
        Option("unsetenv", plain_name, _C, pragma=False),
        Option("procfspath", anything, _C, "/proc", built=False, pragma=False),
        *_rows(_C, anything, "ctypes dtypes", False),
        Option("tree", at_least(1, scalar), _C),
        # What only a program sees that is built with the library, and what concerns -G alone.
        *_rows(_C, flag, "aggpercpu lazyload linknommap strip"),
        *_rows(_C, anything, "ldpath objcopypath", pragma=False),
        # What these are about is not here, whatever they say: types are those of the kernel's BTF; symbols and translators are
        # resolved while compiling; -S shows one stage; there are no registers to run out of, no locks to check, no stash;
        # processes that nobody named are never stopped; memory is had before tracing, and RLIMIT_MEMLOCK does not bound BPF's.
        *_rows(_C, anything, "ctfpath modpath", pragma=False),
        *_rows(_C, anything, "dofstashpath sysslice"),
        *_rows(_C, at_least(1, scalar), "disasm pgmax tregs"),
        *_rows(_C, at_least(0, scalar), "useruid"),
        *_rows(_C, size, "preallocate"),
        Option("debugassert", one_of("mutexes"), _C),
        Option("iregs", between(1, 8, scalar), _C, 8),
        Option("late", one_of("dynamic", "static"), _C, "dynamic"),
        Option("linkmode", one_of("kernel", "primary", "dynamic", "static"), _C, "kernel"),
        Option("lockmem", size_or("unlimited"), _C, pragma=False),
        Option("amin", stability, _C),
        Option("encoding", one_of("ascii", "utf8"), _C),
        Option("evaltime", one_of("exec", "preinit", "postinit", "main"), _C, "postinit"),
        Option("linktype", one_of("elf", "dof"), _C, "elf"),
        Option("stdc", one_of("a", "c", "s", "t"), _C, "a", pragma=False),
        Option("version", version, _C, encoded(VERSION), lowers=True),
        Option("aggsize", size, _S, 4 << 20),
        Option("bufpolicy", one_of("switch", "fill", "ring"), _S, "switch"),
        Option("bufresize", one_of("auto", "manual"), _S, "auto"),
        Option("bufsize", size, _S, 4 << 20),
        Option("cpu", cpu, _S),
        Option("destructive", scalar, _S),
        Option("grabanon", scalar, _S),  # there is no anonymous state to grab
        Option("detach", one_of("wait", "background"), _S, "wait"),
        Option("dynvarsize", size, _S, 1 << 20),
        Option("panic", scalar, _S),
        Option("stackframes", at_least(1, scalar), _S, 20),
        Option("statusrate", rate, _S, 10**9),
        Option("strsize", at_least(2, size), _S, 256, most=1 << 16),
        Option("teardownreport", scalar, _S),
        Option("cleanrate", rate, _S, 10**9 // 101),
        Option("nspec", at_least(0, scalar), _S, 1, most=1 << 20),  # a loop of BPF makes 8 million rounds
        Option("specsize", size, _S, 4 << 20),
        Option("jstackframes", at_least(1, scalar), _S, 50),
        Option("jstackstrsize", size, _S, 512),
        Option("noresolve", scalar, _S),
        Option("scratchsize", size, _S, 256, most=1 << 20),
        Option("ustackframes", at_least(1, scalar), _S, 20),
        Option("maxframes", between(1, MOST_FRAMES, scalar), _S, MOST_FRAMES),
        Option("temporal", scalar, _S),
        Option("bpflog", scalar, _S),
        Option("bpflogsize", size, _S, most=(1 << 30) - 1),
        Option("pcapsize", capture, _S, 1514),
        Option("aggrate", rate, _D, 10**9),
        Option("aggsortkey", scalar, _D),
        Option("aggsortkeypos", scalar, _D, 0),
        Option("aggsortpos", scalar, _D, 0),
        Option("aggsortrev", scalar, _D),
        Option("flowindent", scalar, _D),
        Option("quiet", scalar, _D),
        Option("stackindent", scalar, _D, 14, most=1 << 16),
        Option("switchrate", rate, _D),
        Option("rawbytes", scalar, _D),
        Option("printsize", size, _D, 8192),
        *_rows(_D, scalar, "agghist aggpack aggzoom errexit quietresize"),
    )
}

_OPPOSITES = {"kdefs": "knodefs", "knodefs": "kdefs", "udefs": "unodefs", "unodefs": "udefs"}
"""Flags that switch each other off."""


def _unknown(name: str) -> ValueError:
    from dtrace_py.lang.hints import did_you_mean, similar

    error = ValueError(INVALID_NAME)
    if hint := did_you_mean(similar(name, OPTIONS)):
        error.add_note(hint)
    return error


class Options:
    """The options of one run: the defaults, and what was set, the last writer winning (X9)."""

    def __init__(self) -> None:
        self._values: dict[str, int | str | None] = {name: row.default for name, row in OPTIONS.items()}
        self.all: list[tuple[str, str | None]] = []
        """Everything that was set, in order, for options of which there can be several."""
        self.unbuilt: dict[str, str] = {}
        """What this version of dtpy cannot do of what was asked for, by the option."""
        self.given: set[str] = set()
        """The options that were set by anyone."""
        self.active = False
        """Whether tracing has started."""

    def set(self, name: str, text: str | None, pragma: bool = False) -> None:
        """Set an option from text. Raises ValueError with DTrace's reason, and with a note if there is a hint."""
        row = OPTIONS.get(name)
        if row is None:
            raise _unknown(name)
        if pragma and not row.pragma:
            raise ValueError(FORBIDDEN)
        if self.active and row.phase is not Phase.DYNAMIC:
            raise ValueError(ACTIVE)
        value = row.parse(text)
        wanted = row.default if value is None else value
        if row.lowers and isinstance(wanted, int) and wanted > self.number(name):
            raise ValueError(RAISED)
        self.unbuilt.pop(name, None)
        if what := row.refused(wanted):
            if self.active:
                raise ValueError(f"{what} is not implemented (yet)")
            self.unbuilt[name] = what
        self._values[name] = wanted
        if name in _OPPOSITES:
            self._values[_OPPOSITES[name]] = None
        self.given.add(name)
        self.all.append((name, text))

    def set_from(self, environment: Mapping[str, str]) -> None:
        """Set what DTRACE_OPT_NAME in the environment says; what makes no sense there is passed over (X9)."""
        for name in OPTIONS:
            text = environment.get(f"DTRACE_OPT_{name.upper()}")
            if text is not None:
                try:
                    self.set(name, text or None)
                except ValueError:
                    pass

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

    def text(self, name: str) -> str | None:
        """The value of an option that is any text, if it is set."""
        value = self._values[name]
        assert not isinstance(value, int), name
        return value

    def word(self, name: str) -> str:
        """The value of an option that is one of some words."""
        value = self._values[name]
        assert isinstance(value, str), name
        return value
