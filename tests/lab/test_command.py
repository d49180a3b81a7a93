"""The command as a process: signals, files, a kill in the middle."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.lab.showcase import load
from tests.case import run, working

DTPY = [sys.executable, "-m", "dtrace_py"]


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A run that has printed ``ready`` from its BEGIN."""
    command = [*DTPY, "-n", 'BEGIN { printf("ready\\n"); }', *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        while (line := process.stdout.readline()) and not line.endswith("ready\n"):
            pass
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.once)])
def test_u77_one_signal_ends_in_order(number: signal.Signals) -> None:
    with working("getppid") as pid:
        program = f'syscall::getppid:entry /pid == {pid}/ {{ @["calls"] = count(); }} END {{ printf("end\\n"); }}'
        with started("-q", "-n", program) as process:
            time.sleep(1)
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, "")
    assert re.fullmatch(r"\nend\n\n {2}calls {45} +\d+\n", stdout)


@pytest.mark.once
def test_a_signal_ignored_on_entry_stays_ignored() -> None:
    """As nohup and shells' background jobs set it up."""
    command = [*DTPY, "-qn", 'BEGIN { printf("ready\\n"); } tick-2s { printf("ticked\\n"); exit(3); }']
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = subprocess.Popen([sys.executable, "-c", ignoring, *command], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=30)
    assert (stdout, process.returncode) == ("ticked\n\n", 3)


def test_a_killed_run_leaves_nothing_attached() -> None:
    events, enabled = Path(TRACEFS, "kprobe_events"), Path(TRACEFS, "enabled_functions")
    with load(), started("-n", "fbt::vfs_*:entry { @ = count(); }") as process:
        process.kill()
        process.wait()
    deadline = time.monotonic() + 30
    while events.read_text() or enabled.read_text():
        assert time.monotonic() < deadline, "what outlives its owner, its guardian takes away"
        time.sleep(0.1)


@pytest.mark.once
def test_m_o_output_is_appended_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    for text in ("one", "two"):
        outcome = run(["-o", str(path), "-qn", f'tick-100ms {{ printf("{text}\\n"); exit(0); }}'])
        assert (outcome.status, outcome.stdout) == (0, "")
    assert path.read_text() == "one\n\ntwo\n\n"


def test_the_report_has_what_it_promises(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    arguments = ["-x", "teardownreport", "--report", str(path), "-qn"]
    with load():
        outcome = run(
            [*arguments, "syscall:::entry, fbt::vfs_read:entry, fbt::vfs_read:return { } tick-500ms { exit(0); }"]
        )
    report = json.loads(path.read_text())
    assert report["kernel"] == Path("/proc/sys/kernel/osrelease").read_text().strip()
    assert report["cpus"] == 2
    assert report["functions"] == 1
    assert report["probes"] > 300
    assert report["links"] >= 3
    assert "raw tracepoint" in report["mechanism"]
    for phase in ("attach", "detach"):
        assert report[phase]["seconds"] > 0
        assert report[phase]["xcalls"] >= 0
    counters = {"fired", "recorded", "consumed", "dropped", "missed", "per_cpu"}
    assert counters <= report["records"].keys()
    assert [each["cpu"] for each in report["records"]["per_cpu"]] == [0, 1]
    each = report["detach"]["xcalls"] / report["probes"]
    assert outcome.stderr == (
        f"dtpy: detached {report['probes']} probes ({report['links']} links) in {report['detach']['seconds']:.2f} s, "
        f"{report['detach']['xcalls']} xcalls ({each:.3f} per probe)\n"
    )


@pytest.mark.once
def test_a_report_that_cannot_be_written_is_told_before_tracing() -> None:
    outcome = run(["--report", "/nowhere/report.json", "-qn", "tick-1s { exit(0); }"])
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr == "dtpy: failed to write report '/nowhere/report.json': No such file or directory\n"


@pytest.mark.once
def test_a_reader_that_goes_away_ends_the_run() -> None:
    with load(), started("-n", "syscall:::entry") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(30) == 1
        assert process.stderr is not None
        assert "dtpy: failed to write to stdout\n" in process.stderr.read()
