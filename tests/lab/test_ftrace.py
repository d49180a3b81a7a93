"""Very many functions without links: through ftrace's tracers the same comes out as by kprobes, and it is let go of."""

from __future__ import annotations

import json
import os
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
from tests.case import run, working
from tests.lab.traced import wait_until

pytestmark = pytest.mark.events

MANY, ENTRIES = (f"fbt::v*:{kind}, fbt::k*:{kind} {{ @all = count(); }}" for kind in ("", "entry"))
"""More functions than get kprobes."""
QUIET = "END { trunc(@all); }"
TOP, INSTANCES = Path(TRACEFS), Path(TRACEFS, "instances")
UNUSED = ["nop", "#### all functions enabled ####", "0"]


def top() -> list[str]:
    """What the graph tracer needs of ftrace's top instance."""
    return [
        TOP.joinpath(name).read_text().strip() for name in ("current_tracer", "set_ftrace_filter", "tracing_thresh")
    ]


def nothing_left() -> bool:
    return top() == UNUSED and not any(INSTANCES.iterdir()) and not TOP.joinpath("kprobe_events").read_text()


@contextmanager
def started(program: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is tracing."""
    line = [
        sys.executable,
        "-m",
        "dtrace_py",
        "-qn",
        f'BEGIN {{ printf("ready"); }} {program} tick-1s {{ printf("."); }}',
    ]
    process = subprocess.Popen(line, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        os.read(process.stdout.fileno(), 1)
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def another_tracer(*functions: str) -> Iterator[None]:
    """Somebody else traces these functions with ftrace's function tracer."""
    folder = INSTANCES / "another"
    folder.mkdir()
    try:
        (folder / "set_ftrace_filter").write_text(" ".join(functions))
        (folder / "current_tracer").write_text("function")
        yield
    finally:
        (folder / "current_tracer").write_text("nop")
        folder.rmdir()


PROGRAM = """
syscall::read:entry /pid == $1/ { self->fd = arg0 + 1; }
fbt::vfs_read:entry /self->fd && arg2 == 10/ {
    printf("%s %d %d %s\\n", probefunc, arg2, args[2], curthread->comm);
    printf("%a %d\\n", caller, stackdepth);
    stack(3);
    self->asked = arg2;
    self->fd = 0;
}
fbt::vfs_read:return /self->asked/ {
    printf("%s:%s %d %d %d", probefunc, probename, self->asked, arg1, args[1]);
    exit(0);
}
"""


def test_the_same_as_by_kprobes(tmp_path: Path) -> None:
    """Arguments, thread-local variables, caller and stack, also where another tracer has the same function; what is returned."""
    report = tmp_path / "report.json"

    def traced(many: str, mechanism: str) -> str:
        outcome = run(["-qn", PROGRAM + many, str(pid), "--report", str(report)])
        assert (outcome.status, outcome.stderr) == (0, "")
        assert mechanism in json.loads(report.read_text())["mechanism"]
        return outcome.stdout

    with working("read") as pid:
        expected = traced("", "kprobe events")
        assert re.search(r"vfs_read 10 10 python", expected)
        assert traced(MANY + QUIET, "graph tracer") == expected
        with another_tracer("vfs_read", "vfs_write"):
            assert traced(ENTRIES + QUIET, "function tracer") == expected
    assert nothing_left()


def test_every_entry_has_its_return() -> None:
    """Though functions of the breakpoint's own handler are traced meanwhile, and stand on top of those that return."""
    program = (
        "fbt:::entry /pid == $target/ { @in[probefunc] = sum(1); }"
        "fbt:::return /pid == $target/ { @in[probefunc] = sum(-1); }"
    )
    outcome = run(["-qn", program, "-c", "/bin/true"], 180)
    assert outcome.status == 0, outcome.stderr
    counts = {name: int(count) for name, count in map(str.split, outcome.stdout.strip().splitlines())}
    unbalanced = {name for name, count in counts.items() if count}
    assert len(counts) > 300
    assert unbalanced <= {
        "__x64_sys_exit_group",
        "do_exit",
        "do_group_exit",
        "do_task_dead",
        "x64_sys_call",
        "make_task_dead",
    }
    assert nothing_left()


def test_two_at_a_time() -> None:
    """Each has its own instance, and its own firings only."""
    program = ENTRIES + r'fbt::vfs_read:entry /pid == $1 && arg2 == 10/ { printf("%d\n", ++n); }'
    counted = f"{program} tick-1s /n > 3/ {{ exit(0); }} {QUIET}"
    with working("read") as pid:
        other = subprocess.Popen(
            [sys.executable, "-m", "dtrace_py", "-qn", program, str(pid)], stdout=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: any(INSTANCES.iterdir()))
            outcome = run(["-qn", counted, str(pid)])
        finally:
            other.send_signal(signal.SIGINT)
            other.wait(60)
    numbers = [int(each) for each in outcome.stdout.split()]
    assert outcome.status == 0, outcome.stderr
    assert sorted(numbers) == [*range(1, len(numbers) + 1)], "none of them twice"
    assert len(numbers) > 3
    assert nothing_left()


@pytest.mark.parametrize("program", [MANY, ENTRIES], ids=["graph", "function"])
def test_a_killed_process_leaves_nothing(program: str) -> None:
    with started(program) as owner:
        assert not nothing_left()
        owner.kill()
        owner.wait()
    wait_until(nothing_left)


def test_somebody_reads_the_trace() -> None:
    """The kernel changes no tracer meanwhile: it is given back when they have done."""
    with started(MANY) as process:
        with open(TOP / "trace_pipe"):
            process.send_signal(signal.SIGINT)
            time.sleep(3)
            assert not nothing_left()
        assert process.wait(60) == 0
    assert nothing_left()


def test_what_the_dead_left_is_removed() -> None:
    """An instance of a process whose guardian was killed too goes with the next tracing."""
    left = INSTANCES / "dtpy_999999"
    left.mkdir()
    (left / "set_ftrace_filter").write_text("vfs_read")
    (left / "current_tracer").write_text("function")
    assert run(["-qn", f"{ENTRIES} BEGIN {{ exit(0); }}"]).status == 0
    assert nothing_left()


def test_somebody_uses_the_graph_tracer(tmp_path: Path) -> None:
    """Or is about to: what they have set is left alone, and returns get kprobes."""
    report, depth = tmp_path / "report.json", TOP / "max_graph_depth"
    depth.write_text("3")
    try:
        outcome = run(["-vn", "fbt::vf*:, fbt::k*: { @ = count(); } BEGIN { exit(0); }", "--report", str(report)])
        assert (outcome.status, depth.read_text()) == (0, "3\n")
        assert f"because somebody uses ftrace: {depth}\n" in outcome.stderr
        assert json.loads(report.read_text())["mechanism"] == "kprobe events, function tracer"
    finally:
        depth.write_text("0")
    assert nothing_left()
