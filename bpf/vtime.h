/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * vtimestamp: nanoseconds that the current thread has been on a CPU since tracing began (contract B25).
 *
 * A program on sched_switch keeps the account; what the programs of this consumer themselves take is left out of it.
 */
#pragma once

struct cpu_time {
    u64 since; /* when the current thread began to run here; 0: before tracing began */
    u64 tracing; /* of that, nanoseconds spent in programs of this consumer */
};

COMMON_TABLE("percpu_array", int, struct cpu_time, cpu_times, 1, 0);
COMMON_TABLE("lru_hash", u32, u64, thread_times, 32768, 0);

/* On the way from one thread to another: put the time of the one that leaves to its account. */
static __always_inline void vtime_switch(void)
{
    int zero = 0;
    u32 thread = (u32)bpf_get_current_pid_tgid();
    u64 now = bpf_ktime_get_ns();
    struct cpu_time *time = cpu_times.lookup(&zero);

    if (!time)
        return;
    if (time->since && thread) {
        u64 ran = now - time->since - time->tracing;
        u64 *total = thread_times.lookup(&thread);
        u64 sum = (total ? *total : 0) + ran;
        thread_times.update(&thread, &sum);
    }
    time->since = now;
    time->tracing = 0;
}

static __always_inline u64 vtimestamp(struct firing *f)
{
    int zero = 0;
    u32 thread = (u32)bpf_get_current_pid_tgid();
    struct cpu_time *time = cpu_times.lookup(&zero);
    u64 *total = thread_times.lookup(&thread);

    if (!time)
        return 0;
    if (!time->since)
        time->since = f->started;
    return (total ? *total : 0) + f->started - time->since - time->tracing;
}

/* The end of a program: what it took is not the thread's. */
static __always_inline void vtime_end(struct firing *f)
{
    int zero = 0;
    struct cpu_time *time = cpu_times.lookup(&zero);

    if (time)
        time->tracing += bpf_ktime_get_ns() - f->started;
}
