"""Whether there is a process of a number, to be looked into."""

from __future__ import annotations

import errno
import os


def ungrabbable(process: int) -> str | None:
    """Why a process cannot be grabbed; None if it can be."""
    try:
        with open(f"/proc/{process}/status", encoding="latin-1") as file:
            told = dict(line.partition(":")[::2] for line in file)
    except OSError:
        return os.strerror(errno.ESRCH)
    if told["Tgid"].strip() != str(process):  # a thread's number
        return os.strerror(errno.ESRCH)
    if "VmSize" not in told:  # it has ended, or is a thread of the kernel
        return os.strerror(errno.EPERM)
    return None
