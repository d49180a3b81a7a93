"""D's built-in variables (contract section 5)."""

from __future__ import annotations

from dtrace_py.lang.tables.stability import STABLE, Stability, stability
from dtrace_py.record import record


@record
class Builtin:
    """A built-in variable. ``size`` bounds a string's bytes, its terminator included (0: strsize)."""

    name: str
    type: str
    version: str = "1.0"
    built: bool = True
    """Whether this version of dtpy can run it."""
    size: int = 0
    stability: Stability = STABLE


def _later(name: str, type_name: str, version: str = "1.0") -> Builtin:
    return Builtin(name, type_name, version, built=False)


_KERNEL = stability("Stable/Private/Common")

BUILTINS = {
    row.name: row
    for row in (
        *(Builtin(f"arg{n}", "int64_t") for n in range(10)),
        Builtin("cpu", "processorid_t"),
        Builtin("curthread", "struct task_struct *", stability=_KERNEL),
        Builtin("epid", "uint_t"),
        Builtin("errno", "int"),
        Builtin("execname", "string", size=16),
        Builtin("gid", "gid_t"),
        Builtin("id", "uint_t"),
        Builtin("pid", "pid_t"),
        Builtin("ppid", "pid_t"),
        Builtin("probefunc", "string"),
        Builtin("probemod", "string"),
        Builtin("probename", "string"),
        Builtin("probeprov", "string"),
        Builtin("tid", "id_t"),
        Builtin("timestamp", "uint64_t"),
        Builtin("uid", "uid_t"),
        Builtin("vtimestamp", "uint64_t"),
        Builtin("walltimestamp", "int64_t"),
        _later("args", "<DYN>"),
        _later("caller", "uintptr_t"),
        _later("chip", "chipid_t"),
        _later("curcpu", "cpuinfo_t *"),
        _later("curlwpsinfo", "lwpsinfo_t *"),
        _later("curpsinfo", "psinfo_t *"),
        _later("cwd", "string"),
        _later("fds", "fileinfo_t", "1.1"),
        _later("ipl", "uint_t"),
        _later("lgrp", "lgrp_id_t"),
        _later("pset", "psetid_t"),
        _later("root", "string"),
        _later("stackdepth", "uint32_t"),
        _later("ucaller", "uint64_t", "1.2"),
        _later("uregs", "uint64_t"),
        _later("ustackdepth", "uint32_t", "1.2"),
    )
}

_FAULTS = "UNKNOWN BADADDR BADALIGN ILLOP DIVZERO NOSCRATCH KPRIV UPRIV TUPOFLOW BADSTACK BADSIZE BADINDEX"

CONSTANTS = {
    "NULL": 0,
    **{f"DTRACEFLT_{name}": number for number, name in enumerate(_FAULTS.split())},
    "DTRACEFLT_LIBRARY": 1000,
}
"""Inlines that always exist (T14, F0 to F12); the rest (B30) come with the D libraries. All are ints but NULL, a long."""
