"""dtpy and bpftrace as a user meets them: started, interrupted with Ctrl-C, timed from outside.

All run the same program, which counts by function. What is timed: from the start until everything is attached; from the
signal until the last of the results is printed, and until the command has ended. A program that attaches to no function
tells what starting takes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import IO, Any

from dtrace_py.runtime.report import Cost
from tests.bench.peers import available
from tests.bench.progress import say, turns
from tests.bench.teardown import PATTERNS

NONE = "none"
"""What stands for kind and size of the program without functions."""

_ATTACHED = re.compile(rb"^(ready|Attached \d+ probes?)$", re.MULTILINE)
"""What says that all is attached: our BEGIN, and the newer copies of bpftrace."""

_RESULT = re.compile(rb"^ *\S*[a-z_]{3,}\S* +\d+$", re.MULTILINE)
"""A function and its count, as either command prints it."""

_ENVIRONMENT = {"BPFTRACE_MAX_PROBES": "200000", "BPFTRACE_MAX_MAP_KEYS": "100000", "BPFTRACE_MAP_KEYS_MAX": "100000"}


@dataclass(frozen=True, slots=True)
class Contestant:
    """A command to be timed. ``line`` makes its arguments, of a kind, a pattern of functions and the file for a report."""

    name: str
    line: Callable[[str, str, Path], list[str]]
    speaks: bool = True
    """Whether it says when it has attached. One that does not is known by its links, one a kind."""


@dataclass(slots=True)
class _Output:
    """What a process wrote on one of its descriptors, and when it last did."""

    text: bytes = b""
    last: float = 0.0

    def follow(self, stream: IO[bytes]) -> None:
        while data := os.read(stream.fileno(), 1 << 16):
            self.last = time.monotonic()
            self.text += data


@dataclass
class _Running:
    """A started command, its output being read."""

    command: Sequence[str]
    stdout: _Output = field(default_factory=_Output)
    stderr: _Output = field(default_factory=_Output)

    def __enter__(self) -> _Running:
        pipe, environment = subprocess.PIPE, {**os.environ, **_ENVIRONMENT}
        self.process = subprocess.Popen(self.command, stdout=pipe, stderr=pipe, env=environment)
        assert self.process.stdout
        assert self.process.stderr
        pairs = ((self.stdout, self.process.stdout), (self.stderr, self.process.stderr))
        self.readers = [threading.Thread(target=output.follow, args=(stream,)) for output, stream in pairs]
        for reader in self.readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.finish()

    def finish(self) -> None:
        """Read the rest of what it says; it must have ended, or be about to."""
        for reader in self.readers:
            reader.join()

    def wait_attached(self, links: int, patience: float) -> None:
        """Until it has so many links, or, if that is 0, until it says so. Raises AssertionError if neither comes."""
        end = time.monotonic() + patience
        while not (self._links() == links if links else _ATTACHED.search(self.stdout.text + self.stderr.text)):
            assert self.process.poll() is None, f"ended: {self.stderr.text[-500:].decode()}"
            assert time.monotonic() < end, f"not attached after {patience:g} s"
            time.sleep(0.01)

    def _links(self) -> int:
        """How many BPF links it holds."""
        count = 0
        for entry in os.scandir(f"/proc/{self.process.pid}/fd"):
            try:
                count += "bpf_link" in os.readlink(entry.path)
            except FileNotFoundError:  # just closed
                pass
        return count


def measure(
    sizes: Sequence[str], kinds: Sequence[str], rounds: int, suites: Sequence[str], seconds: float, patience: float
) -> list[dict[str, Any]]:
    """Every run. ``suites`` names the copies of bpftrace, by Debian release, that take turns with dtpy; ``patience`` is how
    many seconds attaching, or ending, may take. What failed once is told, and not tried again."""
    contestants, rows = _contestants(suites), []
    failed: set[tuple[str, str, str]] = set()
    cells = [cell for kind in kinds for cell in ([(NONE, NONE)] if kind == NONE else product([kind], sizes))]
    for number, (kind, size) in turns(cells, rounds, seconds):
        for contestant in contestants:
            if (contestant.name, kind, size) in failed:
                continue
            head = {"mechanism": contestant.name, "kind": kind, "size": size, "round": number}
            try:
                row = _run(contestant, kind, size, patience)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed.add((contestant.name, kind, size))
                rows.append({**head, "failed": str(error)})
                say(f"{contestant.name}, {kind}, {size} failed: {error}")
                continue
            rows.append({**head, **row})
            times = f"attached {row['attach']['seconds']:.1f} s, results {row['results_seconds']:.2f} s"
            say(f"{contestant.name}, {kind}, {size}: {times}, end {row['detach']['seconds']:.2f} s")
    return rows


def _contestants(suites: Sequence[str]) -> list[Contestant]:
    contestants = [Contestant("dtpy", _dtpy)]
    for peer in available():
        if peer.suite in suites:

            def line(kind: str, pattern: str, report: Path, start: list[str] = peer.command) -> list[str]:
                return [*start, "-e", _bpftrace_program(kind, pattern)]

            contestants.append(Contestant(peer.version(), line, speaks=peer.suite != "bookworm"))
    return contestants


def _dtpy(kind: str, pattern: str, report: Path) -> list[str]:
    description = f"fbt::{pattern}:{'' if kind == 'both' else kind}"
    program = 'BEGIN { printf("ready\\n"); }'
    if kind != NONE:
        program += f" {description} {{ @[probefunc] = count(); }}"
    return [sys.executable, "-m", "dtrace_py", "--report", str(report), "-qn", program]


def _bpftrace_program(kind: str, pattern: str) -> str:
    if kind == NONE:
        return 'BEGIN { printf("ready\\n"); }'
    names = {"entry": ["kprobe"], "return": ["kretprobe"], "both": ["kprobe", "kretprobe"]}[kind]
    return " ".join(f"{name}:{pattern} {{ @[func] = count(); }}" for name in names)


def _run(contestant: Contestant, kind: str, size: str, patience: float) -> dict[str, Any]:
    """Start, wait until it is attached, interrupt, wait for its end. Raises AssertionError if it did not work."""
    attach, detach = Cost(), Cost()
    links = 0 if contestant.speaks or kind == NONE else 2 if kind == "both" else 1
    with ExitStack() as stack:
        report = Path(stack.enter_context(tempfile.TemporaryDirectory()), "report")
        with attach.measured():
            running = stack.enter_context(_Running(contestant.line(kind, PATTERNS.get(size, ""), report)))
            running.wait_attached(links, patience)
        _work()
        began = time.monotonic()
        with detach.measured():
            running.process.send_signal(signal.SIGINT)
            status = running.process.wait(patience)
        running.finish()
        results = running.stdout.text
        assert status == 0, f"{contestant.name}: {running.stderr.text[-500:].decode()}"
        shown = kind == NONE or _RESULT.search(results.replace(b"]:", b" "))
        assert shown, f"{contestant.name}: no results: {results[-500:]!r}"
        return {
            "attach": asdict(attach),
            "detach": asdict(detach),
            "results_seconds": running.stdout.last - began,
            "lines": results.count(b"\n"),
            "report": json.loads(report.read_text()) if report.exists() else None,
        }


def _work() -> None:
    """A second in which functions of every pattern are called."""
    for _ in range(10):
        Path("/proc/version").read_text()
        time.sleep(0.1)
