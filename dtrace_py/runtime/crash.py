"""panic() (contract A46): no BPF program can bring the kernel down, but whoever may trace it can."""

from __future__ import annotations

from pathlib import Path

from dtrace_py.errors import DtpyError

TRIGGER = Path("/proc/sysrq-trigger")


def panic() -> None:
    """Panic the kernel. Raises DtpyError where that is not possible; does not return where it is."""
    try:
        TRIGGER.write_text("c")
    except OSError as error:
        raise DtpyError(f"failed to panic: {TRIGGER}: {error.strerror}") from error
