"""What is measured where, as a table, so that all of it takes 40 minutes in emulated guests on two CPUs."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dtrace_py.kernel import cpus
from tests.bench import command, frontend, record, teardown
from tests.bench.mechanisms import KINDS
from tests.bench.peers import available

_COMMAND = (command.NONE, "both")

HERE = "this"
"""The kernel of this machine."""


@dataclass(frozen=True, slots=True)
class Part:
    """One run on one kernel. Not every kind of measurement needs every field."""

    what: str
    """record, teardown, command or frontend: the module that measures."""
    kernel: str
    cpus: int
    seconds: float
    """No round begins that would probably end later than that."""
    rounds: int = 5
    sizes: tuple[str, ...] = ("100", "1000", "10000", "all")
    kinds: tuple[str, ...] = KINDS
    sample: int = 0
    """Functions that stand for all of them where a mechanism takes one at a time; 0: those are left out."""
    suites: tuple[str, ...] = ()
    """Debian releases whose bpftrace takes part."""
    attaches: bool = True
    """False for what is measured on a machine that is not to be traced."""
    patience: float = 240
    """Seconds that a command may take to attach, or to end."""
    title: str = ""
    """What tells it from another part on the same kernel and CPUs."""

    @property
    def name(self) -> str:
        where = "native" if self.kernel == HERE else self.kernel
        return "-".join([self.what, where, f"{self.cpus}cpus", *filter(None, [self.title])])

    def measure(self) -> dict[str, Any]:
        """Measure on the running kernel: all that is written to the part's file."""
        began = time.time()
        match self.what:
            case "record":
                rows = record.measure(self.seconds, self.rounds, printk=self.attaches)
            case "teardown":
                rows = teardown.measure(self.sizes, self.kinds, self.rounds, self.sample, self.seconds)
            case "command":
                rows = command.measure(self.sizes, self.kinds, self.rounds, self.suites, self.seconds, self.patience)
            case "frontend":
                rows = frontend.measure(self.seconds, self.rounds)
            case _:
                raise ValueError(self.what)
        return {**environment(), "seconds": round(time.time() - began), "part": asdict(self), "rows": rows}


PLAN = (
    Part("frontend", HERE, os.cpu_count() or 1, 30, rounds=20, attaches=False),
    Part("record", HERE, os.cpu_count() or 1, 20, rounds=30, attaches=False),
    Part("record", "6.12", 2, 20),
    Part("teardown", "6.12", 2, 270, sample=20),
    Part("teardown", "6.12", 4, 240),
    Part("teardown", "6.12", 8, 240),
    Part("teardown", "6.1", 2, 250, sample=200),
    Part("command", "6.12", 2, 330, sizes=("1000", "10000"), kinds=_COMMAND, suites=("bookworm", "sid"), title="some"),
    Part("command", "6.12", 2, 335, sizes=("all",), kinds=_COMMAND, suites=("sid",)),
    Part("command", "6.1", 2, 100, sizes=("all",), kinds=_COMMAND),
    Part("command", "6.12", 4, 275, sizes=("all",), kinds=("both",), suites=("sid",)),
    Part("command", "6.12", 8, 275, sizes=("all",), kinds=("both",), suites=("sid",)),
)


def plan_here() -> tuple[Part, ...]:
    """The same on this machine's own kernel, which is traced."""
    count, suites = len(cpus.online()), tuple(peer.suite for peer in available())
    return (
        Part("record", HERE, count, 20, rounds=30),
        Part("teardown", HERE, count, 600, sample=50),
        Part("command", HERE, count, 600, kinds=(*_COMMAND, "entry"), suites=suites),
    )


def environment() -> dict[str, Any]:
    """What was measured on, and what with."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "kernel": os.uname().release,
        "online": len(cpus.online()),
        "processor": _processor(),
        "python": platform.python_version(),
        "bcc": _bcc_version(),
        "dtpy": _commit(),
        "command": " ".join(["python", "-m", "tests.bench", *sys.argv[1:]]),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _bcc_version() -> str:
    import bcc

    return str(bcc.__version__)


def _commit() -> str:
    """The commit, with a + for changes on top of it; unknown where there is no git."""
    line = ["git", "describe", "--always", "--dirty=+", "--abbrev=12"]
    try:
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
