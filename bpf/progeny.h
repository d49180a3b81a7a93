/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* progenyof() (contract R27). Needs TASK_PARENT and TASK_PROCESS, offsets in struct task_struct. */
#pragma once

/* Generations that are looked at. */
#define ANCESTORS 4096

struct ancestry {
    u64 task;
    u32 process;
    u32 found;
};

CALLBACK long ancestry_step(u64 round, struct ancestry *line)
{
    u64 parent = 0;
    u32 process = 0;

    bpf_probe_read_kernel(&process, sizeof(process), (void *)(line->task + TASK_PROCESS));
    line->found = process == line->process;
    bpf_probe_read_kernel(&parent, sizeof(parent), (void *)(line->task + TASK_PARENT));
    if (line->found || !parent || parent == line->task)
        return 1;
    line->task = parent;
    return 0;
}

SUBPROGRAM u64 progeny_of(u32 process)
{
    struct ancestry line = {bpf_get_current_task(), process};

    LOOP(ANCESTORS, ancestry_step, &line);
    return line.found;
}
