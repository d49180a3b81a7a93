"""What a person feels after Ctrl-C: probes inert at once, results soon, and the rest while, or after, the prompt is back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.lab.showcase import load
from tests.lab.traced import trace, wait_until

DTPY = [sys.executable, "-m", "dtrace_py"]
READY = 'BEGIN { printf("ready\\n"); }'


def attached() -> bool:
    """Whether any function has a probe of any kind."""
    return any(Path(TRACEFS, name).read_text() for name in ("enabled_functions", "kprobe_events"))


@pytest.mark.once
def test_the_gate_shuts_though_nobody_reads(tmp_path: Path) -> None:
    """A write that waits for a reader does not keep tracing going: Ctrl-C takes effect while it waits."""
    path = tmp_path / "report.json"
    command = [*DTPY, "--report", str(path), "-n", f"{READY} syscall:::"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    with load():
        os.read(process.stdout.fileno(), 1)
        time.sleep(3)  # the pipe is full by now
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(2)
    process.communicate(timeout=60)
    report = json.loads(path.read_text())
    assert process.returncode == 0
    assert report["stopped_at"] - sent < 1
    assert report["results_seconds"] > 1, "it did have to wait"
    assert report["records"]["gated"] > 0


@pytest.mark.once
def test_every_signal_counts(tmp_path: Path) -> None:
    """Two in a row are two (U77): the second gives up on what is left to print, also while a write waits for a reader."""
    process = subprocess.Popen(
        [*DTPY, "-b", "1m", "-n", f"{READY} syscall::: {{ @ = count(); trace(1); }}"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    with load():
        os.read(process.stdout.fileno(), 64)
        time.sleep(2)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.search(rb"\d\n$", output) is None, "no aggregation is printed"


@pytest.mark.parametrize(
    "description",
    [
        pytest.param("fbt:::entry", marks=pytest.mark.multi),
        pytest.param("fbt::k*:entry, fbt::vfs_*:return", marks=pytest.mark.events),
    ],
)
def test_detach_in_the_background(tmp_path: Path, description: str) -> None:
    """The command ends with its own status when the results are printed; the rest is done behind it, and reported."""
    path = tmp_path / "report.json"
    program = f"{description} {{ @[probefunc] = count(); }} tick-2s {{ exit(3); }}"
    arguments = ["-x", "detach=background", "--report", str(path), "-qn", program]
    with load():
        done = subprocess.run([*DTPY, *arguments], capture_output=True, timeout=120)
        ended = time.monotonic()
    assert done.returncode == 3, done.stderr
    assert done.stderr == b""
    assert re.fullmatch(rb"\n( +[\w.$]+ +\d+\n)+", done.stdout)
    wait_until(lambda: not attached() and path.exists() and path.read_text() != "")
    report = _complete(path)
    assert report["inert_seconds"] < 0.05
    assert report["inert_seconds"] < report["results_seconds"] < report["prompt_seconds"] < report["restored_seconds"]
    assert report["results_seconds"] < 1.5, "with a thousand lines to print, under emulation"
    assert ended - report["stopped_at"] - report["prompt_seconds"] < 1.5, "the prompt came when it says"
    assert report["detach"]["seconds"] > 0


def _complete(path: Path) -> dict[str, Any]:
    wait_until(lambda: path.read_text().endswith("}\n"))
    report: dict[str, Any] = json.loads(path.read_text())
    return report


@pytest.mark.events
def test_hundreds_of_kprobes_at_once(tmp_path: Path) -> None:
    """Without fprobe, and with too few functions for ftrace: one word to each other CPU a probe, no grace period for each."""
    traced = trace(["-n", f"{READY} fbt::vf*:entry, fbt::ksys*:entry, fbt::un*:entry {{ @ = count(); }}"], 3, tmp_path)
    report, detach = traced.report, traced.report["detach"]
    print(f"\n{report['probes']} probes, attach {report['attach']}, detach {detach}")
    assert report["mechanism"] == "kprobe events"
    assert report["probes"] > 300
    assert detach["xcalls"] <= 1.3 * report["probes"]
    assert detach["seconds"] <= 0.002 * report["probes"], "one by one it is 70 ms a probe here"
    assert not attached()


@pytest.mark.events
def test_an_estimate_and_a_way_out(tmp_path: Path) -> None:
    """Many kprobes (here returns want stacks) take the kernel long to define: dtpy says so, and Ctrl-C leaves nothing behind."""
    process = subprocess.Popen([*DTPY, "-n", "fbt:::return { stack(); }"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    matched, estimate = process.stderr.readline(), process.stderr.readline()
    assert re.fullmatch(r"dtpy: description 'fbt:::return ' matched 3\d{4} probes\n", matched)
    assert re.fullmatch(
        r"dtpy: this kernel attaches to functions one by one: about \d+ s \(Ctrl-C gives up\)\n", estimate
    )
    assert attached()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert (process.returncode, rest) == (130, "dtpy: interrupted before tracing began\n")
    assert not attached()
