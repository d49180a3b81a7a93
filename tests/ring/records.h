/*
 * What storm.c and steps.c share: bpf/ring.h as ordinary C, producers whose records tell whether they are whole, and a
 * reader by the rules of runtime/ring.py and runtime/flight.py.
 *
 * RING_FILLS or RING_OVERWRITES choose the other policies. ORDERED tells the thread sanitizer what orders accesses; if
 * nothing else is needed in its eyes, nothing else is needed on a CPU that keeps no order of its own.
 */
#pragma once

#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t u64;
typedef int64_t s64;

#ifdef ORDERED
#define RING_LOAD(word) __atomic_load_n(&(word), __ATOMIC_ACQUIRE)
#define RING_STORE(word, value) __atomic_store_n(&(word), value, __ATOMIC_RELEASE)
#endif
#define MOST_WORDS 8
#define RING_SLACK (8 * MOST_WORDS)
#include "ring.h"

static struct ring ring __attribute__((aligned(64)));

static void fail(const char *what, u64 where)
{
    printf("%s: %#llx\n", what, (unsigned long long)where);
    fflush(stdout);
    _exit(1);
}

/* Whoever can be in the middle of a record, and never interrupts itself: one level of interrupts of one thread. */
static struct context {
    u64 attempts, recorded, dropped; /* by its own count */
    u64 full; /* dropped since the ring was last empty */
    u64 next; /* by the reader's: the number of the record that comes next */
} contexts[CONTEXTS];

static u64 total_read, total_dropped; /* by the reader's count, and by the rings' own */

/* A header says who made the record, how long it is, and which of his it is. Each other word follows from that. */
#define PUBLISHED (1ULL << 63)
#define HEADER(context, words, number) (PUBLISHED | (u64)(context) << 56 | (u64)(words) << 48 | (number))
#define CONTEXT(header) ((header) >> 56 & 0x7f)
#define WORDS(header) ((header) >> 48 & 0xff)
#define NUMBER(header) ((header) & 0xffffffffffffULL)
#define TEXT(header, word) (((header) ^ (word) * 0x9e3779b97f4a7c15ULL) & ~PUBLISHED)

static void produce(int number, u64 words)
{
    struct context *context = &contexts[number];

    context->attempts++;
    u64 *record = ring_reserve(&ring, 8 * words);
    if (!record) {
        context->dropped++;
        context->full++;
        return;
    }
#ifdef RING_FILLS
    if (context->full)
        fail("recorded after it was full", number);
#endif
    u64 header = HEADER(number, words, context->recorded++);
    for (u64 word = 1; word < words; word++)
        record[word] = TEXT(header, word);
    ring_publish(&ring, record, header);
}

static u64 checked(u64 *record)
{
    u64 header = RING_LOAD(*record);

    if (!(header & PUBLISHED) || CONTEXT(header) >= CONTEXTS || WORDS(header) < 1 || WORDS(header) > MOST_WORDS)
        fail("not a header", header);
    for (u64 word = 1; word < WORDS(header); word++)
        if (record[word] != TEXT(header, word))
            fail("torn", header);
    return header;
}

#ifndef RING_OVERWRITES

/* Read what there is. It may be called while producers are at work. */
static void consume(void)
{
    u64 tail = ring.tail, head = RING_LOAD(ring.head);

    while (tail < head) {
        u64 *record = (u64 *)&ring.data[tail & RING_MASK];
        if (!RING_LOAD(*record))
            break;
        u64 header = checked(record);
        if (NUMBER(header) != contexts[CONTEXT(header)].next++)
            fail("lost, again or out of order", header);
        memset(record, 0, 8 * WORDS(header));
        tail += 8 * WORDS(header);
        RING_STORE(ring.tail, tail);
        total_read++;
    }
}

/* Read the rest, when nobody writes any more, and begin with an empty ring. */
static void consume_rest(void)
{
    consume();
    if (ring.tail != ring.head)
        fail("not all can be read", ring.head - ring.tail);
    for (int i = 0; i < CONTEXTS; i++) {
        if (contexts[i].next != contexts[i].recorded)
            fail("not all were read", i);
        contexts[i].full = 0;
    }
    total_dropped += ring.dropped;
    ring.head = ring.tail = ring.dropped = 0;
}

#else

/*
 * Go from a position back to the oldest whole record. Returns whether all open records were passed. `check` each that is
 * published: those of each context follow on each other, and if the context is at rest the first is its last.
 */
static int walk(u64 at, u64 lowest, int check, int at_rest)
{
    u64 open = RING_LOAD(ring.head) & RING_OPEN, base = RING_LOAD(ring.base), unfinished = 0;
    int passed_base = at == base, met[CONTEXTS] = {};

    while (at > lowest) {
        u64 *record = (u64 *)&ring.data[-at & RING_MASK];
        u64 header = RING_LOAD(*record), size = header & PUBLISHED ? 8 * WORDS(header) : header;
        if (!size || size > at - lowest)
            break;
        if (!(header & PUBLISHED)) {
            unfinished++;
        } else if (check) {
            struct context *context = &contexts[CONTEXT(checked(record))];
            if (!met[CONTEXT(header)]++)
                context->next = at_rest ? context->recorded : NUMBER(header) + 1;
            if (NUMBER(header) != --context->next)
                fail("lost, again or out of order", header);
            total_read++;
        }
        at -= size;
        passed_base |= at == base;
    }
    if (check && at_rest && at - lowest > 8 * MOST_WORDS)
        fail("the oldest cannot be read", at - lowest);
    return passed_base && unfinished == open;
}

/* What a dump of memory shows, wherever the producers are. */
static void consume(void)
{
    u64 head = RING_LOAD(ring.head), end = head & ~RING_OPEN, lowest = ring.tail;

    if (end > RING_BYTES && end - RING_BYTES > lowest)
        lowest = end - RING_BYTES;
    int whole = !(head & RING_OPEN) || walk(end, lowest, 0, 0);
    walk(whole ? end : RING_LOAD(ring.base), lowest, 1, 0);
}

/* The same when nobody writes any more. */
static void consume_rest(void)
{
    u64 lowest = ring.tail;

    if (ring.head & RING_OPEN)
        fail("records are open", ring.head);
    if (ring.head > RING_BYTES && ring.head - RING_BYTES > lowest)
        lowest = ring.head - RING_BYTES;
    walk(ring.head, lowest, 1, 1);
    total_dropped += ring.dropped;
    ring.dropped = 0;
    ring.tail = ring.head;
}

#endif

static u64 attempts(void)
{
    u64 sum = 0;

    for (int i = 0; i < CONTEXTS; i++)
        sum += contexts[i].attempts;
    return sum;
}

/* What became of everything, as JSON. `interrupts` were inside of others, at most `depth` at a time. */
static void account(u64 interrupts, int depth)
{
    u64 recorded = 0, dropped = 0;

    for (int i = 0; i < CONTEXTS; i++) {
        recorded += contexts[i].recorded;
        dropped += contexts[i].dropped;
    }
    if (attempts() != recorded + dropped || dropped != total_dropped)
        fail("records that nobody has counted", attempts() - recorded - total_dropped);
    printf("{\"attempts\": %llu, \"recorded\": %llu, \"dropped\": %llu, \"read\": %llu, \"interrupts\": %llu, \"depth\": %d}\n",
        (unsigned long long)attempts(), (unsigned long long)recorded, (unsigned long long)dropped,
        (unsigned long long)total_read, (unsigned long long)interrupts, depth);
}
