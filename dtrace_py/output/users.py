"""Addresses of processes in print (contract 9.6, A11 to A13): the object in place of the kernel's module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dtrace_py.process.symbols import Place

STRINGS = 32
"""The first word of a stack is the process's id, with the bytes of room for its runtime's names from this bit on."""


class Users(Protocol):
    """Whoever knows processes (dtrace_py/process/symbols.py)."""

    resolves: bool
    """False under option noresolve: where objects lie is known, not what is in them."""
    overflows: int
    """Stacks whose names had not enough room (U60)."""
    target: int
    """The process that -c or -p named first; 0 if there is none."""

    def new_pass(self) -> None:
        """From now on a process may be another program than it was."""

    def see(self, process: int) -> None:
        """Look at a process, for it may soon be gone."""

    def find(self, process: int, address: int) -> Place | None:
        """Where an address is."""

    def runtime_name(self, process: int, address: int) -> str:
        """What the process's runtime calls the code that it made there; empty if it tells nothing."""


def address(process: int, at: int, users: Users) -> str:
    """``object`symbol+0xOFF``, ``object`0xADDR`` or ``0xADDR`` (U41, U43); ``object:0xOFFSET`` under noresolve (U42)."""
    found = users.find(process, at)
    if found is None:
        return f"{at:#x}"
    if not users.resolves:
        return f"{found.object}:{at - found.mapped:#x}"
    if not found.symbol:
        return f"{found.object}`{at:#x}"
    return f"{found.object}`{found.symbol}" + (f"+{at - found.start:#x}" if at > found.start else "")


def symbol(process: int, at: int, what: str, users: Users) -> str:
    """The result of usym(), ufunc(), umod() or uaddr()."""
    found = users.find(process, at)
    if found and what == "umod":
        return found.object
    if found and what in ("usym", "ufunc") and users.resolves:
        at = found.start
    return address(process, at, users)


def normalized(process: int, at: int, what: str, users: Users) -> tuple[int, int]:
    """What stands for an address as a key: those in the same symbol or object are one."""
    found = users.find(process, at)
    if found is None or what == "uaddr":
        return process, at
    return process, found.first if what == "umod" else found.start


def stack(frames: tuple[int, ...], indent: int, users: Users) -> str:
    """A stack of a process, whose id comes first: a newline, then a frame a line."""
    head, *addresses = frames
    process, room = head & (1 << STRINGS) - 1, head >> STRINGS
    lines = ["\n"]
    for at in addresses:
        name = users.runtime_name(process, at) if room else ""
        if name and len(name) + 1 > room:
            users.overflows += 1
            room, name = 0, ""
        room -= len(name) + 1 if name else 0
        known = users.find(process, at)
        unknown = known is None or not known.symbol
        shown = name if name and not name.startswith("@") and unknown else address(process, at, users)
        lines.append(f"{'':{indent}}{shown}\n")
        if name.startswith("@"):
            lines.append(f"{'':{indent}}  [ {name[1:]} ]\n")
    return "".join(lines)


class NoUsers:
    """Knows no process: in what a dead machine left."""

    resolves = True
    overflows = 0
    target = 0

    def new_pass(self) -> None:
        """Nothing changes."""

    def see(self, process: int) -> None:
        """Nothing to be seen."""

    def find(self, process: int, address: int) -> Place | None:
        """Nothing."""

    def runtime_name(self, process: int, address: int) -> str:
        """Nothing."""
        return ""
