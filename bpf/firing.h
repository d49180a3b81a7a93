/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * What every program does first and last: find its own frame and ring, look at the gate, count.
 *
 * Needs from the program: CPUS, PROGRAMS, ring.h, and struct temporaries, its scratch space.
 */
#pragma once

/* Written by the consumer, and by exit(). One store starts or stops every probe at once. */
struct control {
    u64 open; /* the gate: 0 until tracing starts and after it stops */
    u64 wall_offset; /* CLOCK_REALTIME minus CLOCK_MONOTONIC, in nanoseconds */
    u64 ended; /* a program has ended tracing: exit() was called, or bufpolicy=fill has found a ring full */
    u64 panic; /* panic() was called */
    u64 dynamic_bytes; /* that dynamic variables take, if they are in several maps */
    u64 tracer; /* our own among ftrace's, once a program has found it */
};

/*
 * What became of firings. Of the runs with an open gate each fires the clauses enabled at its probe: these enablings are
 * the sum of stopped, filtered, recorded, silent, dropped and faulted.
 */
struct counts {
    u64 runs; /* times the program ran */
    u64 gated; /* runs while the gate was shut */
    u64 early; /* timer events before the timer was due */
    u64 enablings; /* clauses fired: one run fires every clause enabled at its probe */
    u64 stopped; /* not run, because an earlier clause of the firing called exit() */
    u64 filtered; /* predicate false */
    u64 recorded;
    u64 silent; /* ran, with nothing to record */
    u64 dropped; /* no room in the ring */
    u64 faulted;
    u64 error_faults; /* faults in ERROR clauses, which are only counted */
    u64 dynamic_drops; /* stores to dynamic variables for which there was no room */
    u64 aggregation_drops; /* new keys for which there was no room */
    u64 speculated; /* recorded, but in a speculation */
    u64 speculative_drops; /* no room in the speculation: dropped too */
    u64 speculations_busy; /* speculation() found none, but some are about to be free again */
    u64 speculations_unavailable; /* speculation() found none */
};

/*
 * What has gone wrong, and where. It is in the frame because what is read from there is unknown to the verifier: so it follows
 * the way from a fault through the ERROR clauses once a clause, and not once for every place that can fault.
 */
struct fault {
    u32 action; /* counted from 1; 0 is the predicate */
    u32 code;
    u64 value; /* the address, or the index */
};

/* What one program owns on one CPU. A program never interrupts itself, so nothing here needs to be atomic. */
struct frame {
    struct counts counts;
    struct fault fault;
    struct temporaries temporaries;
} __attribute__((aligned(64)));

/* An intermediate value of a clause. Without volatile and the barrier clang would keep it on the stack all the same. */
#define SPILLED(n) (*(volatile s64 *)&f->frame->temporaries.spilled[n])
#define SPILL(n, value) \
    do { \
        SPILLED(n) = (value); \
        asm volatile("" : : : "memory"); \
    } while (0)

COMMON_TABLE("array", u32, struct control, control, 1, BPF_F_MMAPABLE);
BPF_F_TABLE("array", u32, struct frame, frames, CPUS * PROGRAMS, BPF_F_MMAPABLE);
COMMON_TABLE("array", u32, struct ring, rings, CPUS, BPF_F_MMAPABLE);

struct firing {
    struct frame *frame;
    struct ring *ring;
    struct control *control;
    void *context; /* the program's, for stack() */
    u32 cpu;
    u32 program;
    u32 probe; /* its place in the list of enabled probes */
    u32 stopped; /* exit() was called: no further clause of this firing runs */
    u32 skipped_frames; /* of the stack, because they are the tracing's own */
    u32 in_caller; /* the stack begins in the function that called the probed one */
    u32 has_own_frames; /* the stack begins with the functions of the program that are being called */
    u32 trapped; /* the program runs in the handler of a breakpoint */
    u64 started; /* when the program began, if it accounts for vtimestamp */
    s64 error; /* errno */
    s64 arg0, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9;
};

/* Whether an earlier clause of this firing called exit(); then the next one does not run. */
static __always_inline int stopped(struct firing *f)
{
    if (f->stopped)
        f->frame->counts.stopped++;
    return f->stopped;
}

/* End tracing from inside, also if it has not begun yet. */
static __always_inline void firing_end_tracing(struct firing *f)
{
    *(volatile u64 *)&f->control->ended = 1;
    *(volatile u64 *)&f->control->open = 0;
}

/* What exit() does at once; the consumer learns the status from the record. */
static __always_inline void firing_exit(struct firing *f)
{
    firing_end_tracing(f);
    f->stopped = 1;
}

/* A program cannot bring the kernel down; the consumer can, and ends tracing so that what was recorded stays as it is. */
static __always_inline void firing_panic(struct firing *f)
{
    *(volatile u64 *)&f->control->panic = 1;
    firing_exit(f);
}

/* Fill in a firing. Returns 0 when there is nothing to do: `gated` programs do nothing while the gate is shut. */
static __always_inline int firing_begin(struct firing *f, u32 program, void *context, int gated)
{
    u32 zero = 0;

    f->cpu = bpf_get_smp_processor_id();
    f->program = program;
    f->context = context;
    u32 mine = f->cpu * PROGRAMS + program;
    f->frame = frames.lookup(&mine);
    f->ring = rings.lookup(&f->cpu);
    f->control = control.lookup(&zero);
    if (!f->frame || !f->ring || !f->control)
        return 0;
    f->frame->counts.runs++;
    if (gated && !*(volatile u64 *)&f->control->open) {
        f->frame->counts.gated++;
        return 0;
    }
#ifdef ONLY_CPU
    if (gated && f->cpu != ONLY_CPU) {
        f->frame->counts.gated++;
        return 0;
    }
#endif
    return 1;
}
