/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Speculations: records that are held back until commit(), or never printed.
 *
 * A speculative record lies in the ring like any other and names its speculation: the id, and the how manieth use of it.
 * The consumer keeps it aside. commit() leaves a mark in the ring; there the consumer prints what it has kept of that CPU,
 * and when it has read the other rings what it has kept of those. So nothing is copied, and all order is the ring's.
 *
 * Needs from the program: NSPEC, SPECSIZE, CPUS.
 */
#pragma once

#define SPECULATION_FREE 0
#define SPECULATION_ACTIVE 1 /* nobody has speculated yet */
#define SPECULATION_ONE 2 /* one CPU has */
#define SPECULATION_MANY 3 /* several have */
#define SPECULATION_COMMITTING 4 /* a CPU is leaving its mark */
#define SPECULATION_COMMITTED 5 /* other CPUs' records are to be printed: freed by the consumer */
#define SPECULATION_DISCARDED 6 /* there may be records of other CPUs on their way: freed by the consumer */

/* The word of a speculation: use << 32 | cpu << 8 | state. The CPU is that of SPECULATION_ONE. */
#define SPECULATION_STATE(word) ((word) & 0xff)
#define SPECULATION_CPU(word) ((word) >> 8 & 0xffffff)
#define SPECULATION_USE(word) ((word) & 0xffffffff00000000ULL)

#define SPECULATION_TRIES 4
#define SPECULATION_MAPPED (NSPEC ? NSPEC : 1)

COMMON_TABLE("array", u32, u64, speculations, SPECULATION_MAPPED, BPF_F_MMAPABLE);

/* How much every CPU has recorded in every speculation: use << 32 | 8-byte words. */
COMMON_TABLE("array", u32, u64, speculated, CPUS * SPECULATION_MAPPED, 0);

struct speculative_record {
    u64 header;
    u64 speculation; /* use << 32 | id */
};

struct speculation_search {
    u32 id;
    u32 busy;
};

/* Take the speculation if it is free. The search ends with the first that is. */
CALLBACK long speculation_take(u64 round, struct speculation_search *search)
{
    u32 place = round;
    u64 *found = speculations.lookup(&place);

    if (!found || place >= NSPEC)
        return 1;
    u64 word = RING_LOAD(*found);

    if (SPECULATION_STATE(word) == SPECULATION_FREE) {
        u64 taken = SPECULATION_USE(word) + (1ULL << 32) | SPECULATION_ACTIVE;

        if (__sync_val_compare_and_swap(found, word, taken) == word) {
            search->id = place + 1;
            return 1;
        }
    } else if (SPECULATION_STATE(word) >= SPECULATION_COMMITTING) {
        search->busy = 1;
    }
    return 0;
}

/* speculation(): an id, or 0 when all are in use. */
SUBPROGRAM u32 speculation(struct firing *f)
{
    struct speculation_search search = {};

    LOOP(SPECULATION_MAPPED, speculation_take, &search);
    if (search.id)
        return search.id;
    if (search.busy)
        f->frame->counts.speculations_busy++;
    else
        f->frame->counts.speculations_unavailable++;
    return 0;
}

/* speculate(): what the records of the clause carry, or 0 when there is no such speculation any more. */
SUBPROGRAM u64 speculate(struct firing *f, u32 id)
{
    u32 place = id - 1;
    u64 *found = speculations.lookup(&place);

    if (!found)
        return 0;
#pragma unroll
    for (int i = 0; i < SPECULATION_TRIES; i++) {
        u64 word = RING_LOAD(*found), state = SPECULATION_STATE(word), joined = SPECULATION_USE(word);

        if (state == SPECULATION_MANY || (state == SPECULATION_ONE && SPECULATION_CPU(word) == f->cpu))
            return SPECULATION_USE(word) | id;
        if (state == SPECULATION_ACTIVE)
            joined |= (u64)f->cpu << 8 | SPECULATION_ONE;
        else if (state == SPECULATION_ONE)
            joined |= SPECULATION_MANY;
        else
            return 0;
        if (__sync_val_compare_and_swap(found, word, joined) == word)
            return SPECULATION_USE(word) | id;
    }
    return 0;
}

/* Whether so many bytes more of a CPU's records fit into the speculation; if so they are counted. */
SUBPROGRAM u32 speculation_room(struct firing *f, u64 speculation, u32 size)
{
    u32 place = f->cpu * NSPEC + (u32)speculation - 1;
    u64 *used = speculated.lookup(&place);

    if (!used)
        return 0;
#pragma unroll
    for (int i = 0; i < SPECULATION_TRIES; i++) {
        u64 before = RING_LOAD(*used);
        u64 now = SPECULATION_USE(before ^ speculation) ? SPECULATION_USE(speculation) : before;

        if ((now & 0xffffffff) * 8 + size > SPECSIZE)
            return 0;
        if (__sync_val_compare_and_swap(used, before, now + size / 8) == before)
            return 1;
    }
    return 0;
}

/* Room for a speculative record. */
static __always_inline void *speculation_reserve(struct firing *f, u64 speculation, u64 size)
{
    if (!speculation_room(f, speculation, size)) {
        f->frame->counts.dropped++;
        f->frame->counts.speculative_drops++;
        return 0;
    }
    struct speculative_record *record = record_reserve(f, size);

    if (record)
        record->speculation = speculation;
    return record;
}

/* commit(): the mark in the ring, then the end of this use of the id. Alone on it, a CPU frees it at once. */
SUBPROGRAM u32 speculation_commit(struct firing *f, u32 id, u32 enabling)
{
    u32 place = id - 1;
    u64 *found = speculations.lookup(&place);

    if (!found)
        return 0;
#pragma unroll
    for (int i = 0; i < SPECULATION_TRIES; i++) {
        u64 word = RING_LOAD(*found), state = SPECULATION_STATE(word), use = SPECULATION_USE(word);
        u64 alone = state == SPECULATION_ACTIVE || (state == SPECULATION_ONE && SPECULATION_CPU(word) == f->cpu);

        if (!alone && state != SPECULATION_ONE && state != SPECULATION_MANY)
            return 0;
        if (__sync_val_compare_and_swap(found, word, use | SPECULATION_COMMITTING) != word)
            continue;
        u64 after = alone ? SPECULATION_FREE : SPECULATION_COMMITTED;

        if (state != SPECULATION_ACTIVE) {
            struct speculative_record *mark = record_room(f, sizeof(*mark));

            if (mark) {
                mark->speculation = use | id;
                ring_publish(f->ring, &mark->header,
                             RECORD_HEADER(f, enabling) | RECORD_COMMIT | (alone ? 0 : RECORD_SHARED));
            } else if (!alone) {
                after = SPECULATION_DISCARDED;
            }
        }
        RING_STORE(*found, use | after);
        return 0;
    }
    return 0;
}

/* discard(): the consumer forgets the records when it sees the next use of the id. */
SUBPROGRAM u32 speculation_discard(struct firing *f, u32 id)
{
    u32 place = id - 1;
    u64 *found = speculations.lookup(&place);

    if (!found)
        return 0;
#pragma unroll
    for (int i = 0; i < SPECULATION_TRIES; i++) {
        u64 word = RING_LOAD(*found), state = SPECULATION_STATE(word), after = SPECULATION_USE(word);

        if (state == SPECULATION_MANY || (state == SPECULATION_ONE && SPECULATION_CPU(word) != f->cpu))
            after |= SPECULATION_DISCARDED;
        else if (state != SPECULATION_ACTIVE && state != SPECULATION_ONE)
            return 0;
        if (__sync_val_compare_and_swap(found, word, after) == word)
            return 0;
    }
    return 0;
}
