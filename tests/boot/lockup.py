"""Lock up the CPU this runs on: a program that stays in the kernel, which does not interrupt it, for minutes.

With the argument ``traced`` a dtpy that leaves its records where they are traces this process meanwhile.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import bcc

from dtrace_py.kernel import bpf

CALLS = 1000
"""Records of the traced process, each with its number, before the last one."""

_PROGRAM = """
struct block { char bytes[4 << 20]; };
BPF_ARRAY(blocks, struct block, 2);

int spin(void *context)
{
    int first = 0, second = 1;
    struct block *to = blocks.lookup(&first), *from = blocks.lookup(&second);

    if (to && from)
        for (int i = 0; i < 20000; i++)
            bpf_probe_read_kernel(to, sizeof(*to), from);
    return 0;
}
"""

_TRACE = """BEGIN { printf("traced\\n"); }
syscall::getppid:entry /pid == $1/ { printf("call %d of %s\\n", calls++, execname); }
syscall::bpf:entry /pid == $1/ { printf("bpf(%d)\\n", (int)arg0); }
"""


def trace_me() -> None:
    """Start dtpy, and return when it has gone to sleep for a minute."""
    command = [sys.executable, "-m", "dtrace_py", "-q", "-x", "switchrate=1min", "-b", "64k"]
    process = subprocess.Popen([*command, "-n", _TRACE, str(os.getpid())], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"traced\n"
    time.sleep(1)


def main() -> None:
    Path("/proc/sys/kernel/watchdog_thresh").write_text("1")
    program = bcc.BPF(text=_PROGRAM).load_func("spin", bcc.BPF.RAW_TRACEPOINT).fd
    os.sched_setaffinity(0, {1})
    if sys.argv[1:] == ["traced"]:
        trace_me()
    print("ready", flush=True)
    for _ in range(CALLS):
        os.getppid()
    bpf.test_run(program)


if __name__ == "__main__":
    main()
