"""P25: probes that come with a module which is loaded while tracing, and a module that goes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dtrace_py.kernel import bpf
from dtrace_py.kernel.requirements import TRACEFS
from tests.lab.accounting import check
from tests.lab.traced import wait_until

MODULE = "dummy"
"""A small one of every Debian kernel: network interfaces that do nothing."""


def do(*command: str) -> int:
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode


def traced_functions() -> int:
    """How many functions of the module have probes."""
    lists = (Path(TRACEFS, "enabled_functions"), Path("/sys/kernel/debug/kprobes/list"))
    lines = [line for each in lists for line in each.read_text().splitlines()]
    return sum(re.search(rf" \[?{MODULE}\b", line) is not None and "GONE" not in line for line in lines)


@dataclass
class Tracing:
    """A run: what it has printed, lines of BEGIN left out, and once it has ended its report."""

    process: subprocess.Popen[str]
    stdout: str = ""
    stderr: str = ""
    report: dict[str, Any] = field(default_factory=dict)


@contextmanager
def tracing(folder: Path, *arguments: str) -> Iterator[Tracing]:
    """dtpy with a program whose BEGIN prints a line: tracing inside, interrupted at the end. The module is not there before."""
    do("modprobe", "-r", MODULE)
    command = [sys.executable, "-m", "dtrace_py", "-q", "-x", "statusrate=100ms", "--report", str(folder / "report")]
    with bpf.statistics(), (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=stderr, text=True)
        run = Tracing(process)
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "begun\n", (folder / "stderr").read_text()
            yield run
            process.send_signal(signal.SIGTERM)
            run.stdout = process.stdout.read()
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            stderr.seek(0)
            run.stderr = stderr.read()
            do("modprobe", "-r", MODULE)
    run.report = json.loads((folder / "report").read_text())
    check(run.report)
    assert run.report["records"]["runs"] == run.report["records"]["kernel_runs"]
    assert Path(TRACEFS, "enabled_functions").read_text() == Path(TRACEFS, "kprobe_events").read_text() == ""


def load_traced() -> None:
    """Load the module and wait for its probes."""
    assert do("modprobe", MODULE) == 0
    wait_until(lambda: traced_functions() > 5)


PROGRAM = """
self int calls; int entries; string last[string];
BEGIN { printf("begun\\n"); }
fbt:dummy::entry { @[probemod, probefunc] = count(); self->calls++; entries++; last["f"] = probefunc; }
fbt:dummy:dummy_setup:entry { printf("%s:%s %d %s", probefunc, probename, self->calls > 0, last["f"]); stack(1); }
fbt:dummy:dummy_setup:return / self->calls / { printf("%s:%s\\n", probefunc, probename); }
fbt:dummy:dummy_setup:return { trace(*(int *)8); }
fbt::nothing_is_called_so:entry { printf("never\\n"); }
ERROR { printf("fault %d\\n", arg4); }
END { printf("entries %d\\n", entries); }
"""


@pytest.mark.once
def test_p25_a_module_is_loaded_while_tracing(tmp_path: Path) -> None:
    """Its functions are traced from then on, with variables, aggregations and ERROR as in any other place."""
    with tracing(tmp_path, "-Zn", PROGRAM) as run:
        assert traced_functions() == 0
        load_traced()
        assert do("ip", "link", "add", "later0", "type", "dummy") == 0
        assert do("ip", "link", "del", "later0") == 0
    lines = run.stdout.split("\n")
    stack, rest = lines[1], lines[2:]
    assert lines[0] == "dummy_setup:entry 1 dummy_setup"
    assert "`" in stack, "of a caller"
    assert rest[:2] == ["dummy_setup:return", "fault 1"]
    counts = {name: int(count) for name, count in (line.split()[1:] for line in lines if line.startswith("  dummy "))}
    assert counts["dummy_setup"] == counts["dummy_validate"] == counts["dummy_dev_init"] == 1
    assert f"entries {sum(counts.values())}" in lines
    assert run.report["probes"] > run.report["functions"] > 5
    assert run.report["records"]["faulted"] == 1
    assert "dummy:dummy_setup:return" in run.stderr, "who faulted is told"


def test_p25_beside_what_is_traced_already(tmp_path: Path) -> None:
    """A clause that matched functions before, and now matches more: one program text, one aggregation."""
    text = 'BEGIN { printf("begun\\n"); } fbt::dev_get_flags:entry, fbt::dummy_v*:entry { @[probefunc] = count(); }'
    with tracing(tmp_path, "-Zn", text) as run:
        assert do("modprobe", MODULE) == 0
        wait_until(lambda: traced_functions() > 0)
        assert do("ip", "link", "add", "later0", "type", "dummy") == 0
        assert do("ip", "link", "del", "later0") == 0
        held = do("modprobe", "-r", MODULE) != 0
    assert held == (run.report["mechanism"] != "kprobe events"), (
        "the kernel holds a module for a link, until tracing ends"
    )
    assert not Path("/sys/module", MODULE).exists()
    found = dict(line.split() for line in run.stdout.splitlines() if line)
    assert found["dummy_validate"] == "1"
    assert int(found["dev_get_flags"]) > 0
    assert (run.report["probes"], run.report["functions"]) == (2, 2)


def wait_for_events(count: int) -> None:
    """Wait for so many kprobe events: those of before come back with the module, but nothing fires there."""
    events = Path(TRACEFS, "kprobe_events")
    wait_until(lambda: len(set(re.findall(r"/(entry\d+) ", events.read_text()))) == count)


@pytest.mark.events
def test_p25_a_module_goes_and_comes_back(tmp_path: Path) -> None:
    """Kprobes do not keep a module in the kernel; one that comes back is traced again, and every call is seen once."""
    text = 'BEGIN { printf("begun\\n"); } fbt:dummy::entry { @[probefunc] = count(); }'
    with tracing(tmp_path, "-Zn", text) as run:
        for round_ in range(1, 4):
            assert do("modprobe", MODULE) == 0
            wait_for_events(round_)
            time.sleep(1)
            assert do("ip", "link", "add", "later0", "type", "dummy") == 0
            assert do("modprobe", "-r", MODULE) == 0
            assert traced_functions() == 0
            time.sleep(1)  # it is noticed
    found = dict(line.split() for line in run.stdout.splitlines() if line)
    assert found["dummy_validate"] == "3"
