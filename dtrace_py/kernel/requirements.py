"""What this machine must have; where it has not, one sentence that names the fix."""

from __future__ import annotations

import os

from dtrace_py.errors import Unlisted, UsageError

TRACEFS = "/sys/kernel/tracing"
BTF = "/sys/kernel/btf/vmlinux"

ANOTHER_KERNEL = "use another kernel, or a guest with one: dtpy-lab run -- dtpy ..."
_EVENTS = f"{TRACEFS}/events"
_FUNCTIONS = f"{TRACEFS}/available_filter_functions"


def require_root() -> None:
    """Raise UsageError without root, which everything but compiling needs (contract U69)."""
    if os.geteuid() != 0:
        raise UsageError("run as root for tracing and listing probes")


def require_tracefs() -> None:
    """Raise Unlisted where tracefs, which lists functions and system calls, is not to be had."""
    if not os.path.exists(_EVENTS):
        if os.geteuid() != 0:
            raise Unlisted("only root may read the kernel's lists of probes")
        if not _has_tracefs():
            raise Unlisted(f"this kernel was built without tracefs: {ANOTHER_KERNEL}")
        raise Unlisted(f"tracefs is not mounted: mount -t tracefs nodev {TRACEFS}")


def require_kprobes() -> None:
    """Raise Unlisted where the kernel cannot trace functions at all."""
    require_tracefs()
    if not os.path.exists(_FUNCTIONS):
        raise Unlisted(f"this kernel was built without kprobes and ftrace, so fbt has no probes: {ANOTHER_KERNEL}")


def _has_tracefs() -> bool:
    with open("/proc/filesystems") as file:
        return any(line.split()[-1] == "tracefs" for line in file)


def untraceable() -> str | None:
    """Why the kernel of this machine cannot be traced, in a few words; None if it can."""
    for reason, missing in {
        "you are not root": os.geteuid() != 0,
        "it was built without tracefs": not os.path.exists(_EVENTS) and not _has_tracefs(),
        "tracefs is not mounted": not os.path.exists(_EVENTS),
        "it was built without kprobes": not os.path.exists(_FUNCTIONS),
        "it was built without BTF": not os.path.exists(BTF),
    }.items():
        if missing:
            return reason
    return None
