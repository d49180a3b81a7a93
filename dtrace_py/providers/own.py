"""Providers of a process's own: their names end in its number, like pid123 (contract P26, V102)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from dtrace_py.lang.describe import Description
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span

_MOST = (1 << 31) - 1
"""The largest number that a process may have; what is beyond names none, and matches nothing."""


def process_of(description: Description, at: Span, ungrabbable: Callable[[int], str | None]) -> int | None:
    """The process whose pid provider a description names; None if it names no such provider. Raises D_PROC_*.

    ``ungrabbable`` says why a process cannot be grabbed.
    """
    match = re.fullmatch(r"pid(\d+)", description.provider, re.ASCII)
    if not match or (number := int(match[1])) > _MOST:
        return None
    if number == 0:
        text = f'provider "{description.provider}" names no process'
        raise CompileError("D_PROC_BADPID", text, at, lambda: "$target is a process of -c or -p, and 0 without one")
    if number == os.getpid():
        raise CompileError("D_PROC_DYN", f"process {number} is the one that traces, and cannot trace itself", at)
    if reason := ungrabbable(number):
        raise CompileError("D_PROC_GRAB", f"failed to grab process {number}: {reason}", at)
    return number
