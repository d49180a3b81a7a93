"""The scripts of examples/, each run as a user runs it: by its own name, under load, ended by Ctrl-C."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dtrace_py.lab.showcase import load
from tests.case import working
from tests.lab.traced import trace

FOLDER = Path(__file__).parent.parent.parent / "examples"

EXPECTED = {
    "syscalls.d": r"Counting .*\n\nPROCESS +CALL +COUNT\n(\S+ +\w+ +\d+\n){5,20}\n",
    "failures.d": r"TIME +PROCESS +PID +CALL +ERRNO\n(\d{4} \w{3} [ \d]\d [\d:]{8} +python\S* +\d+ close +9\n|\n)+",
    "readsize.d": r"Measuring .*python\S* gets, in bytes:\n +value +-+ Distribution.* 8 \|@+ +\d+ +\n.*"
    r"Room .*\n(  \S+ +\d+\n)+.*",
    "latency.d": r"Timing .*vfs_read .*Distribution.*vfs_read +mean \d+ ns\n.*",
    "hotkernel.d": r"Sampling .*  vmlinux`\w+ +\d+\n.*\n +vmlinux`\w+\+0x\w+\n.*",
    "flow.d": r"CPU FUNCTION +\n.*  -> ksys_read .*   -> vfs_read .*  <- ksys_read +\d+ us\n.* <= read +\d+ us\n\n",
    "oncpu.d": r"(\d{4} \w{3} [ \d]\d [\d:]{8}\n(  .{16} (kernel|user  )  +\d+\n)*)+.*",
    "opens.d": r"PROCESS +PID ERRNO  FILE\n(python\S* +\d+ +0  /proc/version\n|\n)+",
    "why.d": r"(close\(0x2710, 0x\w+, 0x\w+\) failed: 9\n {14}libc\.so\.6`\S*close\S*\n( {14}\S+\n){0,3}|\n)+",
    "processes.d": r"TIME +PID +PARENT +PROCESS +LIVED\n.* dd +\n.* dd +\d+ ms\n.*",
}
"""What each prints, as a pattern for all of it."""

OPERANDS = {
    "failures.d": "close",
    "why.d": "close",
    "opens.d": "read",
    "flow.d": "read",
    "readsize.d": "read",
    "latency.d": "read",
}
"""What a process does whose id is the script's operand, or for it to see."""


def test_every_example_is_tested() -> None:
    assert {path.name for path in FOLDER.glob("*.d")} == set(EXPECTED)


MARKS: dict[str, list[pytest.MarkDecorator]] = {"flow.d": [pytest.mark.multi], "readsize.d": [], "latency.d": []}
"""What an example runs on, if it is not "once": flow.d needs fprobe, and the others trace a few functions."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, [pytest.mark.once])) for name in EXPECTED])
def test_example(name: str, tmp_path: Path) -> None:
    path = FOLDER / name
    operand = "$1" in path.read_text()
    with load(), working(OPERANDS.get(name, "sleep")) as pid:
        traced = trace(["-s", str(path), *([str(pid)] if operand else [])], 2, tmp_path)
    assert traced.status == 0, traced.stderr
    assert re.fullmatch(EXPECTED[name], traced.head.decode(), re.DOTALL), traced.head.decode()
