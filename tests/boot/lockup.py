"""Lock up the CPU this runs on: a program that stays in the kernel, which does not interrupt it, for minutes."""

from __future__ import annotations

from pathlib import Path

import bcc

from dtrace_py.kernel import bpf

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

Path("/proc/sys/kernel/watchdog_thresh").write_text("1")
program = bcc.BPF(text=_PROGRAM).load_func("spin", bcc.BPF.RAW_TRACEPOINT).fd
print("ready", flush=True)
bpf.test_run(program)
