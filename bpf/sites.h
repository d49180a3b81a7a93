/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Sites: from the place that fired to the probe it is and the clauses that are enabled there.
 *
 * A place is a function's address, a system call's number or a timer's cookie. Functions are found through two arrays, as
 * a page table finds a page: no hashing, no helper, nothing that could itself be traced.
 */
#pragma once

struct site {
    u32 probe; /* place of its first enabled probe in the list of enabled probes */
    u16 entry_set; /* clauses at entry; 0: none */
    u16 return_set; /* clauses at return; 0: none */
};

/* Clauses that are enabled together at some probe. */
struct clause_set {
    u64 enablings; /* how many */
    u64 bits[SET_WORDS];
};

BPF_F_TABLE("array", u32, struct clause_set, clause_sets, CLAUSE_SETS, BPF_F_MMAPABLE);

static __always_inline struct clause_set *set_of(struct firing *f, u32 number)
{
    struct clause_set *set = number ? clause_sets.lookup(&number) : 0;

    if (set)
        f->frame->counts.enablings += set->enablings;
    return set;
}
