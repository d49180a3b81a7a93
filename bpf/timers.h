/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Timers: what profile-N and tick-N are made of.
 *
 * The kernel loses a timer that interrupts another BPF program of certain kinds. A tick must not be lost, so its event
 * comes several times an interval, and the first that comes when the tick is due is the one that fires.
 */
#pragma once

struct timer {
    u64 interval; /* nanoseconds; 0 for profile-N, which fires whenever its event comes */
    u64 due;
};

BPF_F_TABLE("array", u32, struct timer, timers, TIMERS, BPF_F_MMAPABLE);
BPF_F_TABLE("array", u32, struct site, timer_sites, TIMERS, BPF_F_MMAPABLE);

/* A timer has one CPU, so nobody else changes what this changes. An interval that was missed whole is not made up for. */
static __always_inline int timer_is_due(struct timer *timer)
{
    if (!timer->interval)
        return 1;
    u64 now = bpf_ktime_get_ns();
    if (now < timer->due)
        return 0;
    timer->due += timer->interval;
    if (timer->due <= now)
        timer->due = now + timer->interval;
    return 1;
}
