"""Running the command as a user does: a process of its own, load beside it, Ctrl-C, and what it says of itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.runtime.report import Cost

_KEPT = 1 << 16
"""Bytes that are kept of the beginning, and of the end, of what a run prints."""


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Look again and again until it holds; AssertionError if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def floor() -> Cost:
    """What it costs to take away the patch at every function, and nothing else: ftrace's function tracer switched off."""
    tracer, cost = Path(TRACEFS, "current_tracer"), Cost()
    tracer.write_text("function")
    with cost.measured():
        tracer.write_text("nop")
    return cost


@dataclass
class Traced:
    """A run that was interrupted: what it printed and reported. Of the output only the beginning and end are kept."""

    status: int = 0
    head: bytes = b""
    tail: bytes = b""
    lines: int = 0
    stderr: str = ""
    report: dict[str, Any] = field(default_factory=dict)

    def read(self, stream: IO[bytes], started: threading.Event) -> None:
        while data := os.read(stream.fileno(), 1 << 20):
            started.set()
            self.lines += data.count(b"\n")
            self.head += data[: max(0, _KEPT - len(self.head))]
            self.tail = (self.tail + data)[-_KEPT:]


def trace(arguments: list[str], seconds: float, folder: Path, attach_seconds: float = 120) -> Traced:
    """Run dtpy with a report; interrupt it so long after its first output, and wait for its end."""
    traced, started, report = Traced(), threading.Event(), folder / "report.json"
    command = [sys.executable, "-m", "dtrace_py", "--report", str(report), *arguments]
    with (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr)
        assert process.stdout is not None
        reader = threading.Thread(target=traced.read, args=(process.stdout, started))
        reader.start()
        try:
            assert started.wait(attach_seconds), f"no output within {attach_seconds:g} s"
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            traced.status = process.wait(120)
        finally:
            process.kill()
            reader.join()
            process.stdout.close()
        stderr.seek(0)
        traced.stderr = stderr.read()
    if report.exists():
        traced.report = json.loads(report.read_text())
    return traced
