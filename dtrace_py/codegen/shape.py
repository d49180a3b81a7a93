"""The sizes of the tables that the run-time half fills in, and how the kernel's probes are attached."""

from __future__ import annotations

from dtrace_py.record import record


@record
class FunctionTable:
    """The geometry of bpf/functions.h."""

    text_start: int
    slot_shift: int
    pages: int
    leaves: int


@record
class Shape:
    """Sizes of the tables that the run-time half fills in, and how functions are attached."""

    functions: FunctionTable | None
    session: bool
    """Whether one program takes entry and return of functions."""
    kprobes: bool
    """Whether functions are probed by kprobes, which stand within them, rather than by links."""
    ftrace: frozenset[str]
    """Which kinds of probes of functions come through ftrace's tracers: entry, return."""
    skip_entry_frame: bool
    status_offset: int | None
    """Of the word with TS_COMPAT in struct task_struct, where there are 32-bit system calls."""
    sets: int
    syscalls: int
    """One more than the largest number of an enabled system call."""
    timers: int
    names: int
    """Bytes of all probe names together, a power of two."""
