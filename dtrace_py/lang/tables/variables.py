"""D's built-in variables (contract section 5)."""

from __future__ import annotations

from dtrace_py.lang.tables.stability import STABLE, Stability, stability
from dtrace_py.record import record


@record
class Builtin:
    """A built-in variable. ``size`` bounds a string's bytes, its terminator included (0: strsize)."""

    name: str
    type: str
    row: str
    """Of the contract."""
    version: str = "1.0"
    size: int = 0
    stability: Stability = STABLE


_KERNEL = stability("Stable/Private/Common")
_DYNAMIC = "<DYN>"
"""The type of what has to be indexed first."""

PROBE_NAMES = ("probeprov", "probemod", "probefunc", "probename")
"""The fields of a probe's name, as they follow one another in it."""

BUILTINS = {
    row.name: row
    for row in (
        *(Builtin(f"arg{n}", "int64_t", "B1") for n in range(10)),
        Builtin("args", _DYNAMIC, "B2"),
        Builtin("caller", "uintptr_t", "B3"),
        Builtin("chip", "chipid_t", "B5"),
        Builtin("cpu", "processorid_t", "B5"),
        Builtin("curcpu", "cpuinfo_t *", "B6"),
        Builtin("curlwpsinfo", "lwpsinfo_t *", "B7"),
        Builtin("curpsinfo", "psinfo_t *", "B8"),
        Builtin("curthread", "struct task_struct *", "B9", stability=_KERNEL),
        Builtin("cwd", "string", "B10"),
        Builtin("epid", "uint_t", "B11"),
        Builtin("errno", "int", "B12"),
        Builtin("execname", "string", "B14", size=16),
        Builtin("fds", "fileinfo_t", "B15", "1.1"),
        Builtin("gid", "gid_t", "B16"),
        Builtin("id", "uint_t", "B17"),
        Builtin("ipl", "uint_t", "B18"),
        Builtin("lgrp", "lgrp_id_t", "B5"),
        Builtin("pid", "pid_t", "B20"),
        Builtin("ppid", "pid_t", "B20"),
        *(Builtin(name, "string", "B21") for name in sorted(PROBE_NAMES)),
        Builtin("pset", "psetid_t", "B5"),
        Builtin("root", "string", "B10"),
        Builtin("stackdepth", "uint32_t", "B22"),
        Builtin("tid", "id_t", "B23"),
        Builtin("timestamp", "uint64_t", "B24"),
        Builtin("ucaller", "uint64_t", "B4", "1.2"),
        Builtin("uid", "uid_t", "B16"),
        Builtin("uregs", "uint64_t", "B27"),
        Builtin("ustackdepth", "uint32_t", "B22", "1.2"),
        Builtin("vtimestamp", "uint64_t", "B25"),
        Builtin("walltimestamp", "int64_t", "B26"),
    )
}

ARRAYS = frozenset({"args", "fds", "uregs"})
"""Those that are read by index only."""

ABSENT = {"B13": ("execargs",), "B19": ("jailname", "jid"), "B28": ("zonename",)}
"""Variables of other systems, by row: on Linux there are none (D_IDENT_UNDEF)."""

_FAULTS = "UNKNOWN BADADDR BADALIGN ILLOP DIVZERO NOSCRATCH KPRIV UPRIV TUPOFLOW BADSTACK BADSIZE BADINDEX"

CONSTANTS = {
    "NULL": 0,
    **{f"DTRACEFLT_{name}": number for number, name in enumerate(_FAULTS.split())},
    "DTRACEFLT_LIBRARY": 1000,
}
"""Inlines that always exist (T14, F0 to F12); the rest (B30) come with the D libraries. All are ints but NULL, a long."""
