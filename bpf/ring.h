/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The per-CPU ring: where probes leave their records and the consumer finds them.
 *
 * One ring a CPU, in memory that the consumer maps. A producer reserves room with one compare-and-exchange on its own
 * CPU's cache line, writes its record in place and publishes it with one store: no lock, no call, no wake-up. Programs of
 * different kinds may interrupt each other, or be preempted, between any two of these steps; each owns the bytes it
 * reserved, and the consumer stops at the first record that is not published yet.
 *
 * Positions count bytes since the start and never wrap; a position modulo RING_BYTES is an offset into the data. A record
 * does not wrap either: one that begins near the end runs on into the slack behind it.
 *
 * Every record begins with a 64-bit header that is never zero once published. The consumer zeroes what it has read before
 * it moves the tail, so that a reserved record's header reads as zero until its producer stores it.
 *
 * RING_BYTES (a power of two) and RING_SLACK (at least the largest record) come from the program that includes this. It
 * compiles as ordinary C too.
 */
#pragma once

#define RING_TRIES 4

struct ring {
    /* The producers' cache line. */
    u64 head; /* the next byte to reserve */
    u64 dropped; /* records for which there was no room */
    u64 producers_pad[6];
    /* The consumer's cache line. */
    u64 tail; /* the first byte not read yet */
    u64 identity; /* set by the consumer: how a memory dump knows a ring */
    u64 consumer_pad[6];
    char data[RING_BYTES + RING_SLACK];
};

/* Reserve room for a record of `size` bytes, a multiple of 8 and a constant. Returns 0, and counts it, when there is none. */
static __always_inline u64 *ring_reserve(struct ring *ring, u64 size)
{
#pragma unroll
    for (int i = 0; i < RING_TRIES; i++) {
        u64 head = *(volatile u64 *)&ring->head;
        if (head + size - *(volatile u64 *)&ring->tail > RING_BYTES)
            break;
        /* It fails only if an interrupt on this CPU reserved in between: try again behind it. */
        if (__sync_val_compare_and_swap(&ring->head, head, head + size) == head)
            return (u64 *)&ring->data[head & (RING_BYTES - 1)];
    }
    __sync_fetch_and_add(&ring->dropped, 1);
    return 0;
}

/* Publish a reserved record: from here on it belongs to the consumer. x86 keeps stores in order, the compiler must too. */
static __always_inline void ring_publish(u64 *record, u64 header)
{
    __asm__ volatile("" ::: "memory");
    *(volatile u64 *)record = header;
}
