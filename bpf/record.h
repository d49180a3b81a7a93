/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Records: what a clause leaves in the ring for the consumer.
 *
 * The header of a record says which probe fired and which enabling it was, and so how long the record is.
 */
#pragma once

#define RECORD_DISCARDED (1ULL << 62) /* the clause faulted: skip it */
#define RECORD_FAULT (1ULL << 61) /* a struct fault_record */
#define RECORD_COMMIT (1ULL << 60) /* a mark: commit() of the speculation that it names */
#define RECORD_SHARED (1ULL << 59) /* a mark: other CPUs may have records of it too */
#define RECORD_SPECULATIVE (1ULL << 58) /* names a speculation behind its header */
#define RECORD_PUBLISHED (1ULL << 63) /* keeps the header from being zero */

#define RECORD_HEADER(f, enabling) (RECORD_PUBLISHED | (u64)(enabling) << 32 | (f)->probe)

/* Room in the ring. Under bufpolicy=fill the first record that finds none ends tracing everywhere. */
static __always_inline void *record_room(struct firing *f, u64 size)
{
    void *record = ring_reserve(f->ring, size);

#ifdef RING_FILLS
    if (!record)
        firing_end_tracing(f);
#endif
    return record;
}

static __always_inline void *record_reserve(struct firing *f, u64 size)
{
    void *record = record_room(f, size);

    if (!record)
        f->frame->counts.dropped++;
    return record;
}

static __always_inline void record_publish(struct firing *f, void *record, u32 enabling)
{
    ring_publish(f->ring, record, RECORD_HEADER(f, enabling));
    f->frame->counts.recorded++;
}

static __always_inline void record_publish_speculative(struct firing *f, void *record, u32 enabling)
{
    ring_publish(f->ring, record, RECORD_HEADER(f, enabling) | RECORD_SPECULATIVE);
    f->frame->counts.recorded++;
    f->frame->counts.speculated++;
}
