"""The process that a description names (contract P26, V102): whether it is there. The pid provider's probes are not yet."""

from __future__ import annotations

import os
import re

from dtrace_py.lang.describe import Description
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span

_LARGEST = (1 << 31) - 1
"""No pid_t is larger: a description with such a number matches nothing."""


def check_process(description: Description, span: Span) -> None:
    """Raise D_PROC_* for a process of the pid provider that cannot be traced, whether or not matches are asked for."""
    named = re.fullmatch("pid([0-9]{1,10})", description.provider)
    if not named:
        return
    pid = int(named[1])
    if pid == 0:
        raise CompileError("D_PROC_BADPID", f"{description.provider} does not contain a valid pid", span)
    if pid == os.getpid():
        raise CompileError("D_PROC_DYN", f"process {pid} is this tracer itself", span)
    if pid <= _LARGEST and not _alive(pid):
        raise CompileError("D_PROC_GRAB", f"failed to grab process {pid}: No such process", span)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True
