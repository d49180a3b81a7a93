"""What all tests share. Nothing outside tests/lab may attach to the kernel: on this machine it may be a live one."""

from __future__ import annotations

import os
import signal

import pytest

from dtrace_py.kernel import bpf, perf
from dtrace_py.lab.guest import IN_LAB

LAB = bool(os.environ.get(IN_LAB))
"""Whether this is a guest of the lab, whose kernel is there to be traced."""


if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell starts what runs in its background
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_attached(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Outside the lab, attaching is an error of the test."""
    if not LAB:

        def refuse(*_: object) -> int:
            raise AssertionError("a test tried to attach to this machine's kernel")

        for module, names in ((bpf, ("link_functions", "link_event", "link_raw_tracepoint")), (perf, ("_open",))):
            for name in names:
                monkeypatch.setattr(module, name, refuse)


def can_load_programs() -> bool:
    """Whether this process may load BPF programs."""
    return os.geteuid() == 0
