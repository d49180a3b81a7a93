"""Functions that must not be traced, each with the reason. Patterns are those of probe descriptions."""

from __future__ import annotations

import re

from dtrace_py.lang.describe import glob_regex, is_glob, matcher

_TRACING = "part of the tracing path itself: a probe in it would trace its own handler"
_RCU = "a handler here runs while RCU does not watch this CPU, or inside RCU's own bookkeeping"
_IDLE = "runs while RCU does not watch this CPU"
_PREEMPT = "called by the handler's own entry and exit code"

DENIED: dict[str, str] = {
    "*bpf*": _TRACING,
    "*ftrace*": _TRACING,
    "*fprobe*": _TRACING,
    "*rethook*": _TRACING,
    "*kprobe*": _TRACING,
    "*htab*": _TRACING,
    "__ftrace_invalid_address__*": "a function that the linker threw away",
    "rcu_*": _RCU,
    "__rcu_*": _RCU,
    "arch_cpu_idle": _IDLE,
    "default_idle": _IDLE,
    "migrate_disable": _PREEMPT,
    "migrate_enable": _PREEMPT,
    "preempt_count_add": _PREEMPT,
    "preempt_count_sub": _PREEMPT,
}


class Denied:
    """Whether a function is denied; quick for tens of thousands of names. ``more`` are names the kernel itself refuses."""

    def __init__(self, more: frozenset[str]) -> None:
        self._names = more | {pattern for pattern in DENIED if not is_glob(pattern)}
        globs = (glob_regex(pattern) for pattern in DENIED if is_glob(pattern))
        self._matches = re.compile("|".join(filter(None, globs)), re.DOTALL).fullmatch

    def __contains__(self, name: str) -> bool:
        return name in self._names or self._matches(name) is not None


def reason(name: str) -> str:
    """Why a denied function is denied."""
    for pattern, why in DENIED.items():
        if matcher(pattern)(name):
            return why
    return "the kernel refuses probes there (kprobes blacklist)"
