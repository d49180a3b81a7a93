"""fired = recorded + dropped + filtered + faulted + silent, on every CPU, whatever happens to a firing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dtrace_py.kernel import bpf
from dtrace_py.lab.showcase import load
from tests.case import run, working
from tests.lab.accounting import check

END = "tick-1 { exit(0); }"

PROGRAMS = {
    "filtered": ["-n", f"syscall:::entry / pid == $1 / {{ trace(arg0); }} {END}"],
    "silent": ["-n", f"syscall:::entry, syscall:::return {{ n++; @[execname] = count(); }} {END}"],
    "faulted": ["-n", f"syscall::getppid:entry {{ trace(*(int *)8); }} ERROR {{ trace(arg4); }} {END}"],
    "dropped": ["-b", "4k", "-x", "switchrate=500ms", "-n", f"syscall:::entry {{ trace(walltimestamp); }} {END}"],
    "functions": ["-n", f"fbt::vfs_*: {{ trace(arg1); }} fbt::vfs_read: / arg0 % 2 / {{ n++; }} {END}"],
    "nested": ["-n", f"profile-997, fbt::ksys_*:, syscall:::return {{ trace(timestamp); trace(pid); }} {END}"],
    "one CPU": ["-x", "cpu=1", "-n", f"syscall:::entry {{ trace(cpu); }} {END}"],
    "speculated": [
        *("-x", "nspec=64", "-x", "specsize=256"),
        *("-n", "syscall:::entry { self->s = speculation(); speculate(self->s); trace(timestamp); trace(probefunc); }"),
        *("-n", "syscall:::return / self->s / { speculate(self->s); trace(timestamp); }"),
        *("-n", "syscall:::return / self->s && errno / { commit(self->s); self->s = 0; }"),
        *("-n", f"syscall:::return / self->s / {{ discard(self->s); self->s = 0; }} {END}"),
    ],
    "vtimestamp": ["-n", f"syscall:::entry {{ trace(vtimestamp); }} {END}"],
}


EVERYWHERE = {"functions", "nested"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in EVERYWHERE else [pytest.mark.once]) for name in PROGRAMS]
)
def test_every_firing_has_one_outcome(name: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with load(), working("getppid") as pid, bpf.statistics():
        outcome = run(["-q", "--report", str(report), *PROGRAMS[name], str(pid), "-x", "argref"])
    assert outcome.status == 0, outcome.stderr
    figures = json.loads(report.read_text())
    check(figures)
    records = figures["records"]
    assert records["runs"] == records["kernel_runs"], "the kernel counts the same runs"
    assert records["runs"] >= records["gated"]
    assert records["fired"] > 0
    assert records["missed"] is None or records["missed"] >= 0
    if name in records:
        assert records[name] > 0, records
