"""What this machine must have; where it has not, one sentence that names the fix."""

from __future__ import annotations

import os

from dtrace_py.errors import DtpyError, UsageError

TRACEFS = "/sys/kernel/tracing"


def require_root() -> None:
    """Raise UsageError without root, which everything but compiling needs (contract U69)."""
    if os.geteuid() != 0:
        raise UsageError("run as root for tracing and listing probes")


def require_tracefs() -> None:
    """Raise DtpyError where tracefs, which lists functions and system calls, is not to be had."""
    if not os.path.exists(f"{TRACEFS}/events"):
        raise DtpyError(f"tracefs is not mounted: mount -t tracefs nodev {TRACEFS}")


def require_kprobes() -> None:
    """Raise DtpyError where the kernel cannot trace functions at all."""
    require_tracefs()
    if not os.path.exists(f"{TRACEFS}/available_filter_functions"):
        raise DtpyError(
            "this kernel was built without kprobes and ftrace, so fbt has no probes: "
            "use another kernel, or a guest with one: dtpy-lab run -- dtpy ..."
        )
