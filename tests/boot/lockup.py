"""Lock up the CPU this runs on: a program that stays in the kernel, which does not interrupt it, for minutes.

With arguments, dtpy traces this process meanwhile with these options.
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

_TRACE = """syscall::getppid:entry /pid == $1/ { printf("call %d of %s\\n", calls++, execname); }
syscall::bpf:entry /pid == $1/ { printf("bpf(%d)\\n", (int)arg0); }
"""


def trace_me(options: list[str]) -> None:
    """Start dtpy, and return when it is tracing."""
    command = [sys.executable, "-m", "dtrace_py", "-q", *options]
    process = subprocess.Popen([*command, "-n", _TRACE, str(os.getpid())])
    while not is_attached(process.pid):
        time.sleep(0.1)
    time.sleep(1)  # it opens the gate behind its last probe


def is_attached(pid: int) -> bool:
    """Whether a process holds a link of BPF."""
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            if "link_type" in path.read_text():
                return True
        except FileNotFoundError:  # closed meanwhile
            continue
    return False


def main() -> None:
    Path("/proc/sys/kernel/watchdog_thresh").write_text("1")
    program = bcc.BPF(text=_PROGRAM).load_func("spin", bcc.BPF.RAW_TRACEPOINT).fd
    if options := sys.argv[1:]:
        trace_me(options)
    os.sched_setaffinity(0, {1})
    print("ready", flush=True)
    for _ in range(CALLS):
        os.getppid()
    bpf.test_run(program)


if __name__ == "__main__":
    main()
