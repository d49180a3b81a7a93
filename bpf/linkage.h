/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Functions that stay functions. bcc inlines everything; runtime/linker.py finds these in what it has compiled, and makes
 * a program of each PROGRAM and the functions that it needs. So what many clauses use is there once, and the verifier
 * looks at the body of a long loop once, not once a round.
 */
#pragma once

/* A PROGRAM or CALLBACK has effects, such as a store: clang would leave out the call by which the linker knows it. */

/* All in one section: then calls among them are calls, which need no relocation. */
#define LINKED section(".bpf.fn.linked"), noinline

#define PROGRAM static __attribute__((LINKED, used))
/*
 * Such a function must not be void: what happens to be in r0 may be a pointer to the stack, and is refused at its end. Nor may
 * clang make it void because nobody looks at what it returns, so it is "used".
 */
#define SUBPROGRAM static __attribute__((LINKED, used))

/* What every clause has: a function where there are many, which would keep clang busy otherwise. */
#ifdef MANY_CLAUSES
#define SHARED SUBPROGRAM
#else
#define SHARED static __always_inline
#endif

/* What LOOP() calls: long name(u64 round, struct ... *context). Any result but 0 ends the loop. */
#define CALLBACK static __attribute__((LINKED, used))

/*
 * A map that all units of a tracing have in common. For those that come later, for probes of modules that are loaded while
 * tracing, runtime/loader.py puts the first unit's in the place of theirs, which is as small as can be. Every other map
 * belongs to its unit.
 */
#ifdef LATER
#define COMMON_TABLE(type, key, leaf, name, size, flags) BPF_F_TABLE(type, key, leaf, name, 1, flags)
#else
#define COMMON_TABLE(type, key, leaf, name, size, flags) BPF_F_TABLE(type, key, leaf, name, size, flags)
#endif

static long (*bpf_loop_)(u32 rounds, void *callback, void *context, u64 flags) = (void *)181;

/* At most 8 million rounds. The linker puts the callback's address in the place of its number. */
#define LOOP(rounds, callback, context) bpf_loop_(rounds, (void *)callback##_NUMBER, context, 0)

/*
 * Zero, but not to the verifier. Older ones (6.1) look at a loop's round once, and believe what one round leaves: a field on the
 * stack that takes one round to change another would never change.
 */
#define UNKNOWN_ZERO(memory) bpf_probe_read_kernel(&(memory), sizeof(memory), 0)
