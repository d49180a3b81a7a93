"""What tracefs says: which functions and system calls can be traced."""

from __future__ import annotations

import os
import re
import sys
from array import array
from collections.abc import Collection, Sequence
from pathlib import Path

from dtrace_py.kernel.requirements import TRACEFS, require_kprobes, require_tracefs
from dtrace_py.providers.fbt import VMLINUX, Function
from dtrace_py.record import record


def _read(name: str) -> str:
    with open(f"{TRACEFS}/{name}") as file:
        return file.read()


NO_FUNCTION = ("", "")
"""In place of one that is not there any more."""


@record
class Traceable:
    """What the kernel can trace, in its own order: each function's name and module, and the address of its patchable call,
    which kernels tell since 6.5."""

    functions: Sequence[Function]
    sites: Sequence[int] | None

    def with_modules(self, modules: Collection[str], now: Traceable) -> Traceable:
        """The same, and behind it what the list of ``now`` has of these modules. Functions that they had when they were loaded
        before keep their places, and have no names any more."""
        old = [function if function[1] not in modules else NO_FUNCTION for function in self.functions]
        places = [place for place, (_, module) in enumerate(now.functions) if module in modules]
        sites = None
        if self.sites is not None and now.sites is not None:
            sites = array("Q", [*self.sites, *(now.sites[place] for place in places)])
        return Traceable([*old, *(now.functions[place] for place in places)], sites)


def traceable() -> Traceable:
    """Read the kernel's list."""
    require_kprobes()
    try:
        lines = _read("available_filter_functions_addrs").splitlines()
    except FileNotFoundError:
        return Traceable([*map(_function, _read("available_filter_functions").splitlines())], None)
    functions = [(line[17:], VMLINUX) if line[-1] != "]" else _function(line[17:]) for line in lines]
    sites = array("Q", bytes.fromhex("".join(line[:16] for line in lines)))
    if sys.byteorder == "little":
        sites.byteswap()
    return Traceable(functions, sites)


def _function(line: str) -> Function:
    if line[-1] != "]":
        return line, VMLINUX
    name, _, module = line[:-1].partition(" [")
    return name, module


def blacklist() -> frozenset[str]:
    """The functions that the kernel keeps kprobes out of; empty where it does not tell."""
    try:
        text = _read("../debug/kprobes/blacklist")
    except OSError:
        return frozenset()
    return frozenset(line.split("\t")[1].split()[0] for line in text.splitlines() if "\t" in line)


def system_calls() -> dict[int, str]:
    """Name by number of the system calls that this kernel has: its own list of names, and the machine's numbers."""
    require_tracefs()
    known = set()
    for entry in os.scandir(f"{TRACEFS}/events/syscalls"):
        if entry.name.startswith("sys_enter_"):
            known.add(entry.name.removeprefix("sys_enter_"))
    return {number: name for number, name in numbered_calls().items() if name in known}


def call_parameters(name: str) -> list[str] | None:
    """The types of a system call's parameters, as texts; None where the kernel does not tell."""
    try:
        text = _read(f"events/syscalls/sys_enter_{name}/format")
    except OSError:
        return None
    # The fields of every event come first, and the call's number before its arguments.
    return re.findall(r"^\tfield:(.*?)\s*\b\w+;", text.partition("\n\n")[2], re.MULTILINE)[1:]


def numbered_calls() -> dict[int, str]:
    """All system calls of this machine's architecture by number, by the names of the kernel's functions."""
    table = Path(__file__).parent / f"syscalls_{os.uname().machine}.txt"
    lines = (line.split() for line in table.read_text().splitlines() if line and not line.startswith("#"))
    return {int(number): name for number, name in lines}
