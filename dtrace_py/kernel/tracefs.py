"""What tracefs says: which functions and system calls can be traced."""

from __future__ import annotations

import os
from importlib.resources import files

from dtrace_py.kernel.features import TRACEFS, require_kprobes, require_tracefs
from dtrace_py.kernel.ksyms import VMLINUX
from dtrace_py.providers.fbt import Function


def functions() -> list[Function]:
    """Every function that the kernel can trace, in its own order; with addresses where it tells them (Linux 6.5)."""
    require_kprobes()
    with_addresses = TRACEFS / "available_filter_functions_addrs"
    if with_addresses.exists():
        return [_function(*line.split()) for line in with_addresses.read_text().splitlines()]
    text = (TRACEFS / "available_filter_functions").read_text()
    return [_function("0", *line.split()) for line in text.splitlines()]


def _function(site: str, name: str, module: str = "", *_: str) -> Function:
    return Function(name, module[1:-1] if module else VMLINUX, int(site, 16))


def blacklist() -> frozenset[str]:
    """The functions that the kernel keeps kprobes out of; empty where it does not tell."""
    try:
        text = (TRACEFS.parent / "debug/kprobes/blacklist").read_text()
    except OSError:
        return frozenset()
    return frozenset(line.split("\t")[1].split()[0] for line in text.splitlines() if "\t" in line)


def system_calls() -> dict[int, str]:
    """Name by number of the system calls that this kernel has: its own list of names, and the machine's numbers."""
    require_tracefs()
    known = set()
    for entry in os.scandir(TRACEFS / "events/syscalls"):
        if entry.name.startswith("sys_enter_"):
            known.add(entry.name.removeprefix("sys_enter_"))
    return {number: name for number, name in numbered_calls().items() if name in known}


def numbered_calls() -> dict[int, str]:
    """All system calls of this machine's architecture by number, by the names of the kernel's functions."""
    table = files("dtrace_py.kernel").joinpath(f"syscalls_{os.uname().machine}.txt")
    lines = (line.split() for line in table.read_text().splitlines() if line and not line.startswith("#"))
    return {int(number): name for number, name in lines}
