"""Producers of different kinds that interrupt each other in the middle of a record, under load.

For some seconds, or for DTPY_SOAK_SECONDS: a minute in ``make soak``.

Function probes and timers keep each other out, but raw tracepoints (here those of system calls) do not: each of them can
begin while another one has reserved room in the same CPU's ring and not yet published it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dtrace_py.kernel import bpf
from dtrace_py.lab.showcase import load
from tests.lab.accounting import check
from tests.lab.traced import trace

SECONDS = int(os.environ.get("DTPY_SOAK_SECONDS", "8"))

PROGRAM = """
    fbt::vfs_*:, fbt::ksys_*:, fbt::hrtimer_*:entry, fbt::tick_*:entry, fbt::__x64_sys_*:entry,
    profile-997, syscall:::
    {
        self->n++;
        printf("<%d %x %x>\\n", self->n, timestamp, ~timestamp);
    }
"""


@pytest.mark.once  # the ring is the same everywhere, and this is long
def test_everything_is_accounted_for(tmp_path: Path) -> None:
    with load(), bpf.statistics():
        traced = trace(["-q", "-b", "256k", "-n", PROGRAM], SECONDS, tmp_path)
    assert traced.status == 0, traced.stderr
    records = traced.report["records"]
    check(traced.report)
    assert records["runs"] == records["kernel_runs"], "the kernel counts the same runs"
    assert records["recorded"] > 300 * SECONDS
    assert traced.lines == records["consumed"] + 2, "a line each; newlines for Ctrl-C (U77) and the end (U76)"
    said = sum(int(n) for n in re.findall(r"^dtpy: (\d+) drops? on CPU \d+$", traced.stderr, re.MULTILINE))
    assert said == records["dropped"]
    _check_whole(traced.head.splitlines()[:-1])
    _check_whole(traced.tail.splitlines()[1:-2])


def _check_whole(lines: list[bytes]) -> None:
    """A torn record would not be the complement of itself; a stale one would be older than its predecessors by far."""
    assert len(lines) > 100
    for line in lines:
        match = re.fullmatch(rb"<(\d+) ([0-9a-f]+) ([0-9a-f]+)>", line)
        assert match, line
        assert int(match[2], 16) ^ int(match[3], 16) == (1 << 64) - 1, line
