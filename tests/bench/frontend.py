"""What it takes to start the command, and to compile a script: no root, nothing traced or loaded."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from dtrace_py.errors import DtpyError
from dtrace_py.job import Job, Mode
from dtrace_py.lang.source import Source
from tests.bench.progress import turns

FOLDER = Path(__file__).parent

HELP, BARE, SCRIPT, TYPES = "--help", "-e -n BEGIN", "hundred.d", "kernel_types.d"

_COMMANDS = {
    HELP: ["--help"],
    BARE: ["-e", "-n", "BEGIN"],
    SCRIPT: ["-es", str(FOLDER / SCRIPT)],
    TYPES: ["-es", str(FOLDER / TYPES)],
}


def measure(seconds: float, rounds: int) -> list[dict[str, Any]]:
    """A row a round and command: seconds of the whole process, and of compiling in it, imports included and not."""
    return [
        {"command": name, "seconds": _timed(_COMMANDS[name]), **_inside(name)}
        for _, name in turns([*_COMMANDS], rounds, seconds)
    ]


def _timed(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "dtrace_py", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def _inside(name: str) -> dict[str, Any]:
    if not name.endswith(".d"):
        return {}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.frontend", name], check=True, capture_output=True, text=True
    )
    made: dict[str, Any] = json.loads(ran.stdout)
    return made


def compile_twice(path: Path) -> dict[str, float]:
    """Seconds of the front end on a script, in this process: the first time, and once everything has been imported."""
    from dtrace_py import programs
    from dtrace_py.kernel.machine import Machine

    source, took = Source(path.read_text("latin-1"), path=str(path)), []
    for _ in range(2):
        machine = Machine()
        machine.providers.lenient = True
        began = time.perf_counter()
        try:
            programs.compile_job(
                Job([source], mode=Mode.COMPILE), partial(getattr, machine, "types"), machine.providers
            )
        except DtpyError as error:
            sys.exit(str(error))
        took.append(time.perf_counter() - began)
    return {"first": took[0], "again": took[1]}


if __name__ == "__main__":
    print(json.dumps(compile_twice(FOLDER / sys.argv[1])))
