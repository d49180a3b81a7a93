/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The per-CPU ring: where probes leave their records and the consumer finds them.
 *
 * One ring a CPU, in memory that the consumer maps. A producer reserves room with one compare-and-exchange on its own
 * CPU's cache line, writes its record in place and publishes it with one store: no lock, no call, no wake-up. Programs of
 * different kinds may interrupt each other, or be preempted, between any two of these steps; each owns the bytes it
 * reserved until it publishes them.
 *
 * Positions count bytes since the start and never wrap; a position modulo RING_BYTES is an offset into the data. A record
 * does not wrap either: one that begins near the end runs on into the slack behind it.
 *
 * By what happens when it is full there are three kinds:
 *
 * - by default (bufpolicy switch) a record that finds no room is dropped. Records lie in the order of their positions. The
 *   consumer reads up to the first header that is zero, zeroes what it has read, then moves the tail. So a reserved record's
 *   header reads as zero until its producer stores it.
 * - with RING_FILLS (bufpolicy fill) the same, but once it has been full nothing more is recorded before it is read.
 * - with RING_OVERWRITES (bufpolicy ring) the oldest records are overwritten, and the ring is read at the end. Records
 *   lie in the reverse order of their positions: from the newest, at the head, each header says where the next older one
 *   begins. A header that is not published yet holds the size of the record.
 *
 * RING_BYTES (a power of two) and RING_SLACK (at least the largest record) come from the program that includes this. It
 * compiles as ordinary C too; what says how accesses are ordered can be defined before (docs/internals.md).
 */
#pragma once

#define RING_TRIES 4
#define RING_MASK (RING_BYTES - 1ULL)
#define RING_OPEN 7ULL /* with RING_OVERWRITES: the bits of head that count */

struct ring {
    /* The producers' cache line. */
    u64 head; /* the next byte to reserve; with RING_OVERWRITES plus the number of records that are not published yet */
    u64 dropped; /* records for which there was no room */
    u64 base; /* with RING_OVERWRITES: no record that is not published yet begins before this position */
    u64 producers_pad[5];
    /* The consumer's cache line. */
    u64 tail; /* the first byte not read yet */
    u64 identity; /* set by the consumer: how a memory dump knows a ring */
    u64 consumer_pad[6];
    char data[RING_BYTES + RING_SLACK];
};

/* x86 keeps loads in order, and stores; the compiler must too. */
#ifndef RING_LOAD
#define RING_LOAD(word) (*(volatile u64 *)&(word))
#define RING_STORE(word, value) \
    do { \
        __asm__ volatile("" ::: "memory"); \
        *(volatile u64 *)&(word) = (value); \
    } while (0)
#endif

#ifndef RING_OVERWRITES

/* Reserve room for a record of `size` bytes, a multiple of 8 and a constant. Returns 0, and counts it, when there is none. */
static __always_inline u64 *ring_reserve(struct ring *ring, u64 size)
{
#pragma unroll
    for (int i = 0; i < RING_TRIES; i++) {
        u64 head = RING_LOAD(ring->head);
#ifdef RING_FILLS
        if (RING_LOAD(ring->dropped) && !RING_LOAD(ring->tail))
            break;
#endif
        /* Signed: the tail may have overtaken a head that is no longer true. Then the exchange fails. */
        if ((s64)(head + size - RING_LOAD(ring->tail)) > RING_BYTES)
            break;
        /* It fails only if somebody else on this CPU reserved in between: try again behind it. */
        if (__sync_val_compare_and_swap(&ring->head, head, head + size) == head)
            return (u64 *)&ring->data[head & RING_MASK];
    }
    __sync_fetch_and_add(&ring->dropped, 1);
    return 0;
}

/* Publish a reserved record: from here on it belongs to the consumer. */
static __always_inline void ring_publish(struct ring *ring, u64 *record, u64 header)
{
    RING_STORE(*record, header);
}

#else

/*
 * As above, but there is always room, unless somebody who was interrupted has been writing for a whole lap: what he has
 * reserved must not be given to another. Sizes leave the low bits of head free; in these it counts the records that are
 * reserved and not published, so that one exchange keeps both. Whoever finds none open notes where the first will begin.
 */
static __always_inline u64 *ring_reserve(struct ring *ring, u64 size)
{
#pragma unroll
    for (int i = 0; i < RING_TRIES; i++) {
        u64 head = RING_LOAD(ring->head);
        u64 end = (head & ~RING_OPEN) + size;

        if (!(head & RING_OPEN))
            RING_STORE(ring->base, head);
        else if (end - RING_LOAD(ring->base) > RING_BYTES || (head & RING_OPEN) == RING_OPEN)
            break;
        if (__sync_val_compare_and_swap(&ring->head, head, head + size + 1) == head) {
            u64 *record = (u64 *)&ring->data[-end & RING_MASK];

            RING_STORE(*record, size);
            return record;
        }
    }
    __sync_fetch_and_add(&ring->dropped, 1);
    return 0;
}

/* Publish a reserved record: from here on it may be overwritten. The highest bit of its header must be set. */
static __always_inline void ring_publish(struct ring *ring, u64 *record, u64 header)
{
    RING_STORE(*record, header);
    __sync_fetch_and_add(&ring->head, -1ULL);
}

#endif
