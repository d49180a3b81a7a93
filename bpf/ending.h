/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * What is left of a thread that has ended: its variables, which are freed. Those without keys are known by name; elements of
 * its arrays have to be looked for, and so threads that have any are marked.
 *
 * Needs from the program: MARKS, how many threads there can be that have elements.
 */
#pragma once

/* The bits of an owner that say which thread it is (thread.h); without those for interrupt levels. */
#define THREAD_BITS ((1ULL << 33) - 1)

COMMON_TABLE("hash", u32, u32, thread_marks, MARKS, 0);

static __always_inline void thread_mark(u64 thread)
{
    u32 number = thread, yes = 1;

    if (!thread_marks.lookup(&number))
        thread_marks.update(&number, &yes);
}

struct sweep {
    struct control *control;
    u64 thread;
};

static long (*bpf_for_each_map_elem_)(void *map, void *callback, void *context, u64 flags) = (void *)164;

/* What bcc makes of the call of a map's lookup(), as long as this stands: it has no other way to name a map to a helper. */
#define SWEEP(map, callback) (void *)bpf_for_each_map_elem_(map, callback, &sweep, 0)
