"""Test cases as data: what the command is given, and what it must print, byte for byte.

A ``.case`` file holds cases, each of these lines:

    @ U20 what it shows            the rows of the contract it tests, and a title
    $ -qn BEGIN{trace(1)}          arguments, split as a shell splits them
    | BEGIN { trace(1); }          the script that {script} in the arguments stands for
                                   In both {memory} is the address of "python" and zeroes, in the process of BEGIN;
                                   after 256 bytes come a 1 and the address itself, 8 bytes each
    % getppid                      what a process does all the while (tests/workload.py); {pid} is its id
    > 1                            standard output, line for line; a final "\\" means that no newline follows
    ! dtpy: ...                    standard error
    = 1                            exit status, 0 if not given

In expected lines ``·`` is a blank at the end of a line, ``<cpu>`` a CPU number in three columns, ``<n>`` a decimal and
``<x>`` a hexadecimal number, ``<any>`` anything. Lines that begin with # are comments.
"""

from __future__ import annotations

import ctypes
import io
import re
import shlex
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from dtrace_py import cli
from dtrace_py.output import tshark

_HOLES = {"<cpu>": r"[ \d]{2}\d", "<n>": r"-?\d+", "<x>": r"[0-9a-f]+", "<any>": r".*"}

NONE = ("/nonexistent/tshark",)
"""Cases are of a machine without tshark."""


@dataclass(slots=True)
class Case:
    """One case."""

    title: str
    file: str
    arguments: str = ""
    script: str = ""
    workload: str = ""
    stdout: str = ""
    stderr: str = ""
    status: int = 0

    @property
    def id(self) -> str:
        return re.sub(r"\W+", "-", f"{self.file}-{self.title}").strip("-")

    def run(self, folder: Path) -> None:
        """Run the command in this process and compare everything it did."""
        memory = ctypes.create_string_buffer(b"python", 512)
        address = str(ctypes.addressof(memory))
        struct.pack_into("<QQ", memory, 256, 1, ctypes.addressof(memory))
        arguments = shlex.split(self.arguments.replace("{memory}", address))
        if self.script:
            path = folder / "script.d"
            path.write_text(self.script.replace("{memory}", address))
            arguments = [word.replace("{script}", str(path)) for word in arguments]
        with working(self.workload) if self.workload else nullcontext(0) as pid, patch.object(tshark, "COMMAND", NONE):
            outcome = run([word.replace("{pid}", str(pid)) for word in arguments])
        stdout, stderr = (
            text.replace(str(folder / "script.d"), "{script}") for text in (outcome.stdout, outcome.stderr)
        )
        assert _matches(self.stderr, stderr), _difference("stderr", self.stderr, stderr)
        assert _matches(self.stdout, stdout), _difference("stdout", self.stdout, stdout)
        assert outcome.status == self.status


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the command did."""

    status: int
    stdout: str
    stderr: str


def run(arguments: list[str], seconds: float = 60) -> Outcome:
    """Run the command in this process; interrupt it, and fail, when it has not ended by itself in that time."""
    stdout, stderr = io.BytesIO(), io.StringIO()
    main, late = threading.get_ident(), threading.Event()

    def interrupt() -> None:
        late.set()
        signal.pthread_kill(main, signal.SIGINT)

    timer = threading.Timer(seconds, interrupt)
    timer.start()
    try:
        status = cli.run(arguments, stdout, stderr)
    finally:
        timer.cancel()
    outcome = Outcome(status, stdout.getvalue().decode("latin-1"), stderr.getvalue())
    assert not late.is_set(), f"still tracing after {seconds:g} s: {outcome}"
    return outcome


@contextmanager
def working(what: str) -> Iterator[int]:
    """A process that goes on doing something that probes see; yields its id once it is at it."""
    process = subprocess.Popen([sys.executable, Path(__file__).parent / "workload.py", what], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def load(*paths: Path) -> list[Case]:
    """The cases in these files."""
    return [case for path in paths for case in _parse(path)]


def _parse(path: Path) -> list[Case]:
    cases: list[Case] = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        mark, text = line[:1], line[2:]
        if mark == "@":
            cases.append(Case(text, path.stem))
        elif mark == "$":
            cases[-1].arguments = text
        elif mark == "|":
            cases[-1].script += text + "\n"
        elif mark == "%":
            cases[-1].workload = text
        elif mark == ">":
            cases[-1].stdout += text[:-1] if text.endswith("\\") else text + "\n"
        elif mark == "!":
            cases[-1].stderr += text + "\n"
        elif mark == "=":
            cases[-1].status = int(text)
        elif line and mark != "#":
            raise ValueError(f"{path}:{number}: not a line of a case: {line!r}")
    return cases


def _matches(expected: str, actual: str) -> bool:
    pattern = re.escape(expected.replace("·", " "))
    for hole, regex in _HOLES.items():
        pattern = pattern.replace(re.escape(hole), regex)
    return re.fullmatch(pattern, actual) is not None


def _difference(what: str, expected: str, actual: str) -> str:
    return f"{what} differs\n--- expected\n{expected}\n--- actual\n{actual}\n---\n{expected!r}\n{actual!r}"
