"""Buffer policies over real probes: which records are there at the end, exactly (contract 10.5)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dtrace_py.lab.showcase import load
from tests.case import run, working
from tests.lab.accounting import OUTCOMES, check

pytestmark = pytest.mark.once  # the ring is the same everywhere, and this takes a minute

COUNTED = 'syscall:::entry { n++; } syscall:::entry { printf("%d\\n", n); }'
FIT = 4096 // 16
"""Records of a header and a number that a buffer of 4k holds."""


@pytest.fixture(autouse=True)
def on_one_cpu() -> Iterator[None]:
    """This process and its workload stay on CPU 0, which is the one that is traced where figures must be exact."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {0})
    yield
    os.sched_setaffinity(0, before)


def numbers(policy: str, program: str, report: Path) -> tuple[list[int], dict[str, int]]:
    """What the program prints on one CPU with a buffer of 4k, and the counters of the run."""
    arguments = ["-q", "-b", "4k", "-x", f"bufpolicy={policy}", "-x", "cpu=0", "--report", str(report), "-n", program]
    with working("getppid"):
        outcome = run(arguments)
    assert (outcome.status, outcome.stderr) == (0, ""), "no drops are reported"
    figures = json.loads(report.read_text())
    return [int(line) for line in outcome.stdout.split()], figures["records"]


def test_ring_keeps_the_last_records(tmp_path: Path) -> None:
    """X22: of 3000 records and that of exit(), as many as fit, oldest first."""
    seen, records = numbers("ring", f"{COUNTED} syscall:::entry / n == 3000 / {{ exit(0); }}", tmp_path / "report")
    assert seen == list(range(3001 - (FIT - 1), 3001))
    assert (records["recorded"], records["consumed"], records["dropped"]) == (3001, FIT, 0)


def test_fill_keeps_the_first_records_and_ends_by_itself(tmp_path: Path) -> None:
    """X21: END fires too, and has room for its own."""
    seen, records = numbers("fill", f'{COUNTED} END {{ printf("%d\\n", -n); }}', tmp_path / "report")
    assert seen == [*range(1, FIT + 1), -(FIT + 1)]
    assert (records["recorded"], records["consumed"], records["dropped"]) == (FIT + 1, FIT + 1, 1)


@pytest.mark.parametrize("policy", ["switch", "fill", "ring"])
def test_producers_of_many_kinds_on_all_cpus(policy: str, tmp_path: Path) -> None:
    """X26: functions, timers and system calls interrupt each other; no record is torn, every firing is accounted for."""
    program = 'profile-997, fbt::ksys_*:, syscall::: { printf("%d %d\\n", timestamp, ~timestamp); } tick-1 { exit(0); }'
    report = tmp_path / "report"
    with load(), working("getppid"):
        outcome = run(["-q", "-b", "64k", "-x", f"bufpolicy={policy}", "--report", str(report), "-n", program])
    assert outcome.status == 0, outcome.stderr
    figures = json.loads(report.read_text())
    lines = [line.split() for line in outcome.stdout.splitlines() if line]
    assert len(lines) > 1000
    assert all((int(first) + int(second)) % (1 << 64) == (1 << 64) - 1 for first, second in lines)
    if policy != "ring":
        check(figures)
    for counts in figures["records"]["per_cpu"]:
        assert counts["fired"] == sum(counts[outcome] for outcome in OUTCOMES), counts
        assert counts["consumed"] <= counts["recorded"], counts
        if policy == "ring" and counts["recorded"] > 10_000:
            assert (64 << 10) // 24 <= counts["consumed"] <= (64 << 10) // 24 + 1
