/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * What thread-local variables are keyed by: the thread, and whether it was interrupted (contract V2). Idle threads all
 * have number 0, so theirs is the CPU's.
 *
 * PREEMPT_COUNT and PER_CPU_OFFSETS are kernel addresses; without the first, interrupts are not told apart.
 */
#pragma once

SHARED u64 thread_key(struct firing *f)
{
    u64 thread = (u32)bpf_get_current_pid_tgid();

    if (!thread)
        thread = 1ULL << 32 | f->cpu;
#ifdef PREEMPT_COUNT
    u64 offset = 0;
    u32 count = 0;

    bpf_probe_read_kernel(&offset, sizeof(offset), (void *)(PER_CPU_OFFSETS + 8ULL * f->cpu));
    bpf_probe_read_kernel(&count, sizeof(count), (void *)(PREEMPT_COUNT + offset));
    /* A breakpoint's handler counts as a hard interrupt and an NMI. (Where the kernel has made a jump of it, it does not, and
     * then this takes a real NMI, which is rarer, for what it has interrupted.) */
    if (f->trapped && count >> 20 & 15)
        count -= (1 << 20) + (1 << 16);
    /* include/linux/preempt.h: NMI in bits 20-23, hard interrupt in 16-19, serving a soft one in bit 8. */
    u64 level = count >> 20 & 15 ? 3 : count >> 16 & 15 ? 2 : count >> 8 & 1;

    thread |= level << 40;
#endif
    return thread;
}
