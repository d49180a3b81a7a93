"""dtpy-lab from the outside: what it brings home, what it keeps away, and that nothing of it is left behind."""

from __future__ import annotations

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

from dtrace_py.lab.kernels import TESTED, find
from dtrace_py.runtime.loader import bpf_directory
from tests.boot.lockup import CALLS

LAB = [sys.executable, "-m", "dtrace_py.lab"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the lab needs root")


def lab(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run dtpy-lab to its end."""
    return subprocess.run([*LAB, "run", *arguments], capture_output=True, text=True, timeout=timeout)


def postmortem(dump: Path) -> subprocess.CompletedProcess[str]:
    """Print what was traced when a guest's memory was dumped."""
    command = [sys.executable, "-m", "dtrace_py", "--postmortem", str(dump)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def descendants(pid: int) -> set[int]:
    """All processes below one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found, left = set(), [pid]
    while left:
        for child in children.get(left.pop(), []):
            found.add(child)
            left.append(child)
    return found


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A guest whose command has printed its first line."""
    process = subprocess.Popen([*LAB, "run", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def gone(processes: set[int]) -> bool:
    """Whether all of them end within ten seconds: the kernel has a guest's memory to free, beside other tests."""
    for _ in range(100):
        if not any(Path(f"/proc/{pid}").exists() for pid in processes):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("kernel", TESTED)
def test_output_status_and_kernel(kernel: str) -> None:
    done = lab("--kernel", kernel, "--", "sh", "-c", "uname -r; id -u; cut -d. -f1 /proc/uptime; echo no >&2; exit 7")
    assert done.returncode == 7
    release, uid, uptime = done.stdout.split()
    assert release.startswith(f"{kernel}.")
    assert uid == "0"
    assert int(uptime) < 10, "seconds from power-on to the command, emulated"
    announced, error = done.stderr.splitlines()
    assert announced.startswith(f"dtpy-lab: Linux {release}, 2 CPUs, 2048 MiB, ")
    assert error == "no"


def test_a_kernel_by_path_and_its_size() -> None:
    image = find(TESTED[0]).image
    done = lab(
        "--kernel",
        str(image),
        "--cpus",
        "1",
        "--memory",
        "1024",
        "--",
        "sh",
        "-c",
        "nproc; grep MemTotal /proc/meminfo",
    )
    assert done.returncode == 0
    cpus, _, memory, _ = done.stdout.split()
    assert cpus == "1"
    assert 800_000 < int(memory) < 1_048_576


def test_standard_input_reaches_the_command() -> None:
    command = [*LAB, "run", "--", "sh", "-c", "tr a-z A-Z; pwd"]
    done = subprocess.run(command, input="some text\n", capture_output=True, text=True, timeout=60)
    assert done.stdout == f"SOME TEXT\n{os.getcwd()}\n"


def test_only_a_share_lets_writes_out(tmp_path: Path) -> None:
    door, wall = tmp_path / "door", tmp_path / "wall"
    door.mkdir()
    wall.mkdir()
    script = (
        f"echo out > {door}/file; echo in > {wall}/file; cat {wall}/file; rm -rf {wall}/kept; ls {wall};"
        "mkdir -p /tmp/raw; mount -t virtiofs root /tmp/raw && mount -o remount,rw /tmp/raw;"
        f"echo raw > /tmp/raw{wall}/raw; ls /tmp/raw{wall}"
    )
    (wall / "kept").write_text("kept")
    done = lab("--share", str(door), "--", "sh", "-c", script)
    assert "in\n" in done.stdout
    assert (door / "file").read_text() == "out\n"
    assert sorted(path.name for path in wall.iterdir()) == ["kept"], "the guest's writes stayed there"


def test_a_panic_is_not_a_failing_command() -> None:
    done = lab("--", "sh", "-c", "echo before; echo c > /proc/sysrq-trigger; echo after")
    assert done.returncode == 120
    assert done.stdout == "before\n"
    assert "dtpy-lab: the guest ended without a status: " in done.stderr
    console = re.findall(r"^    \[ *\d+\.\d+\] ", done.stderr, re.MULTILINE)
    assert len(console) > 10, "the last lines of the console"


def test_a_complaint_counts_though_the_command_succeeds() -> None:
    """A kernel that complained is not one to believe, even if it lived on."""
    script = "echo 'WARNING: CPU: 0 PID: 1 at test' > /dev/ttyS0; sleep 1"
    done = lab("--", "sh", "-c", script)
    assert done.returncode == 120
    assert "WARNING: CPU: 0 PID: 1 at test" in done.stderr
    assert lab("--warn-ok", "--", "sh", "-c", script).returncode == 0


def test_a_locked_up_guest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BCC_KERNEL_SOURCE", str(bpf_directory() / "include"))
    done = lab("--timeout", "60", "--", sys.executable, "-m", "tests.boot.lockup")
    assert done.returncode == 120
    assert done.stdout == "ready\n"
    assert "dtpy-lab: the guest ended without a status: watchdog: BUG: soft lockup - CPU#" in done.stderr


@pytest.mark.parametrize(
    ("options", "most"), [("-x switchrate=1min", CALLS), ("-x bufpolicy=ring -b 16k", 16384 // 32)]
)
def test_a_dead_guest_tells_what_it_last_did(
    options: str, most: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All that was not printed yet, or what a flight recorder has kept."""
    monkeypatch.setenv("BCC_KERNEL_SOURCE", str(bpf_directory() / "include"))
    dump = tmp_path / "memory"
    command = [sys.executable, "-m", "tests.boot.lockup", *options.split()]
    done = lab("--memory", "768", "--dump", str(dump), "--timeout", "100", "--", *command)
    assert done.returncode == 120
    assert "soft lockup - CPU#1 stuck for " in done.stderr
    assert f"; its memory is in {dump}\n" in done.stderr
    told = postmortem(dump)
    assert told.returncode == 0
    *calls, last = told.stdout.splitlines()
    assert most - 1 <= len(calls) <= most
    assert calls == [f"call {number} of python" for number in range(CALLS - len(calls), CALLS)]
    assert last == "bpf(10)", "the system call that the CPU is locked up in"
    release = re.escape(find(TESTED[0]).release)
    assert re.fullmatch(
        rf"dtpy: Linux {release}, process \d+: dtpy -q {options} -n .*\n"
        rf"dtpy: 0 records on CPU 0\ndtpy: {len(calls) + 1} records on CPU 1\n",
        told.stderr,
    )


def test_a_guest_that_is_out_of_time_is_dumped_too(tmp_path: Path) -> None:
    dump, program = tmp_path / "memory", 'tick-100ms { printf("tick\\n"); }'
    command = [sys.executable, "-m", "dtrace_py", "-x", "switchrate=1min", "-qn", program]
    done = lab("--memory", "768", "--dump", str(dump), "--timeout", "30", "--", *command)
    assert done.returncode == 124
    assert f"the guest was still busy after 30 s; its memory is in {dump}\n" in done.stderr
    told = postmortem(dump)
    assert told.returncode == 0
    assert re.fullmatch(r"(tick\n){3,}", told.stdout)


def test_a_guest_that_ends_well_is_not_dumped(tmp_path: Path) -> None:
    dump = tmp_path / "memory"
    assert lab("--dump", str(dump), "--", "sh", "-c", "exit 3").returncode == 3
    assert not dump.exists()


def test_a_dump_that_cannot_be_written(tmp_path: Path) -> None:
    done = lab("--memory", "512", "--dump", "/dev/full", "--timeout", "8", "--", "sleep", "60")
    assert done.returncode == 124
    assert "; its memory could not be dumped: " in done.stderr
    assert Path("/dev/full").exists()


def test_a_time_out_is_its_own_status() -> None:
    done = lab("--timeout", "8", "--", "sleep", "60")
    assert done.returncode == 124
    assert "dtpy-lab: the guest was still busy after 8 s" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_orphans(number: signal.Signals) -> None:
    with running("--", "sh", "-c", "echo ready; sleep 60") as process:
        below = descendants(process.pid)
        assert len(below) >= 2, "qemu and a file server"
        process.send_signal(number)
        process.wait(40)
        assert gone(below)


def test_ctrl_c_reaches_the_command() -> None:
    with running(
        "--", "sh", "-c", "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.1; done"
    ) as process:
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=40)
        assert (stdout, process.returncode) == ("caught\n", 3)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--kernel", "5.99", "--", "true"], 125, "apt offers no linux-image-5.99"),
        (["--kernel", "/nowhere", "--", "true"], 125, "no kernel '/nowhere'"),
        (["--cpus", "0", "--", "true"], 2, "Invalid value for '--cpus'"),
        (["--dump", "/nowhere/memory", "--", "true"], 2, "cannot write to /nowhere"),
        (["--share", "/nowhere", "--", "true"], 2, "Invalid value for '--share'"),
        ([], 2, "Missing argument 'COMMAND...'"),
    ],
)
def test_mistakes(arguments: list[str], status: int, message: str) -> None:
    done = lab(*arguments)
    assert done.returncode == status
    assert message in done.stderr


def test_a_command_that_is_not_there() -> None:
    done = lab("--", "no-such-command")
    assert done.returncode == 127
    assert "dtpy-lab: cannot run no-such-command: No such file or directory" in done.stderr


def test_dtpy_is_found_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    done = lab("--", "dtpy", "-V")
    assert (done.returncode, done.stdout) == (0, "dtpy: Sun D 1.13\n")


def test_kernels_are_listed() -> None:
    done = subprocess.run([*LAB, "kernels"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    ready = [line.split()[0] for line in done.stdout.splitlines() if " ready " in line]
    assert {find(series).release for series in TESTED} <= set(ready)
