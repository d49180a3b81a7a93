"""What counts as the death of a guest: lines that kernels print, each with what the lab makes of it."""

from __future__ import annotations

import pytest

from dtrace_py.lab.console import Console

COMPLAINTS = [
    "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [python3:231]",
    "INFO: task find:311 blocked for more than 120 seconds.",
    "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
    "Oops: int3: 0000 [#1] PREEMPT SMP NOPTI",
    "BUG: kernel NULL pointer dereference, address: 0000000000000000",
    "BUG: unable to handle page fault for address: ffffffffa0000000",
    "general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1] SMP",
    "WARNING: CPU: 0 PID: 1 at kernel/trace/ftrace.c:2205 ftrace_bug+0x8a/0x2a0",
    "Kernel panic - not syncing: Fatal exception",
    "NMI watchdog: Watchdog detected hard LOCKUP on cpu 1",
]

HARMLESS = [
    "Linux version 6.12.117+deb12-cloud-amd64 (debian-kernel@lists.debian.org)",
    "python3[177]: segfault at 7ff68f77a000 ip 00007ff68f77a000 sp 00007fff526dbb78 error 14",
    "clocksource: tsc: mask: 0xffffffffffffffff max_cycles: 0x1fb",
    "RCU Tasks Trace: Setting shift to 1 and lim to 1 rcu_task_cb_adjust=1.",
]


@pytest.mark.parametrize("line", COMPLAINTS)
def test_complaints(line: str) -> None:
    console = Console()
    console.add(f"[    1.000000] fine\r\n[   12.345678] {line}\r\n".encode())
    assert console.complaint == line


@pytest.mark.parametrize("line", HARMLESS)
def test_harmless_lines(line: str) -> None:
    console = Console()
    console.add(f"[    1.000000] {line}\n".encode())
    assert console.complaint is None
    assert line in console.tail()


def test_the_first_complaint_counts_and_lines_may_come_in_pieces() -> None:
    console = Console()
    for piece in (b"[ 1.0] BUG: so", b"ft lockup\n[ 2.0] Kernel pan", b"ic - not syncing\n"):
        console.add(piece)
    assert console.complaint == "BUG: soft lockup"
