#define CPUS 4
#define PROGRAMS 2
#define PROBES 2
#define ENABLINGS 2
#define CLAUSE_SETS 3
#define SET_WORDS 1
#define RING_BYTES 4194304
#define RING_SLACK 24
#define STRSIZE 256
#define STRING_BYTES 256
#define TEXT_START 0xffffffff81000000ULL
#define SLOT_SHIFT 4
#define FUNCTION_PAGES 1
#define FUNCTION_LEAVES 2
#define PREEMPT_COUNT 0x1c000ULL
#define PER_CPU_OFFSETS 0xffffffff82000000ULL

#include "linkage.h"
#include "ring.h"
#include "strings.h"
#include "values.h"
#include "arithmetic.h"
#include "aggregate.h"

#define SELF_began (1ULL << 48) /* self->began */

struct dynamic_int_key {
    u64 owner;
};
struct dynamic_int_value {
    s64 value;
};

struct agg___key { /* @_ */
    char key0[16];
};
struct agg___value {
    char bins[1016] __attribute__((aligned(8)));
};

struct temporaries {
    union {
        struct dynamic_int_key dynamic_int;
        struct agg___key agg__;
    } key;
    char text[1][256];
} __attribute__((aligned(8)));

#include "firing.h"
#include "record.h"
#include "fault.h"
#include "sites.h"
#include "registers.h"
#include "functions.h"
#include "thread.h"

COMMON_TABLE("hash", struct dynamic_int_key, struct dynamic_int_value, dynamic_int, 65536, 0);
SUBPROGRAM int dynamic_int_free(struct control *control, struct dynamic_int_key *key)
{
    dynamic_int.delete(key);
    return 0;
}

SUBPROGRAM int dynamic_int_store(struct firing *f, struct dynamic_int_key *key, s64 value)
{
    struct dynamic_int_value *old = dynamic_int.lookup(key), new = {value};

    if (!value) {
        return dynamic_int_free(f->control, key);
    }
    if (old) {
        old->value = value;
        return 0;
    }
    if (dynamic_int.update(key, &new))
        f->frame->counts.dynamic_drops++;
    return 0;
}

struct blank { char bytes[1016] __attribute__((aligned(8))); };
BPF_ARRAY(blanks, struct blank, 1);

BPF_TABLE("percpu_hash", struct agg___key, struct agg___value, agg___0, 3826);
BPF_TABLE("percpu_hash", struct agg___key, struct agg___value, agg___1, 3826);
BPF_ARRAY_OF_MAPS(agg__, "agg___0", 1);

/* The value of @_ for a key, made at its first use; 0 when there is no room. */
static __always_inline struct agg___value *agg___slot(struct firing *f, struct agg___key *key)
{
    int zero = 0;
    void *map = agg__.lookup(&zero);
    void *blank = blanks.lookup(&zero);

    if (!map || !blank)
        return 0;
    void *value = bpf_map_lookup_elem(map, key);
    if (value)
        return value;
    bpf_map_update_elem(map, key, blank, BPF_NOEXIST);
    value = bpf_map_lookup_elem(map, key);
    if (!value)
        f->frame->counts.aggregation_drops++;
    return value;
}

/* fbt::vfs_read:entry */
static __always_inline void clause_1(struct firing *f, u32 enabling)
{
    u64 thread = thread_key(f);
    u64 timestamp = bpf_ktime_get_ns();

    struct dynamic_int_key *key1 = &f->frame->temporaries.key.dynamic_int;
    HIDE(thread);
    key1->owner = SELF_began | thread;
    dynamic_int_store(f, key1, timestamp);
    f->frame->counts.silent++;
}

/* fbt::vfs_read:return / ... / */
static __always_inline void clause_2(struct firing *f, u32 enabling)
{
    u64 thread = thread_key(f);
    u64 timestamp = bpf_ktime_get_ns();

    struct dynamic_int_key *key1 = &f->frame->temporaries.key.dynamic_int;
    HIDE(thread);
    key1->owner = SELF_began | thread;
    struct dynamic_int_value *found2 = dynamic_int.lookup(key1);
    s64 t3 = found2 ? found2->value : 0;
    if (!t3) {
        f->frame->counts.filtered++;
        return;
    }
    bpf_get_current_comm(f->frame->temporaries.text[0], 16);
    struct dynamic_int_key *key4 = &f->frame->temporaries.key.dynamic_int;
    HIDE(thread);
    key4->owner = SELF_began | thread;
    struct dynamic_int_value *found5 = dynamic_int.lookup(key4);
    s64 t6 = found5 ? found5->value : 0;
    u64 t7 = timestamp - t6;
    struct agg___key *key8 = &f->frame->temporaries.key.agg__;
    string_copy(key8->key0, 16, f->frame->temporaries.text[0], 16);
    struct agg___value *slot9 = agg___slot(f, key8);
    if (slot9)
        aggregate_quantize(BINS(slot9), t7, 1);
    struct dynamic_int_key *key10 = &f->frame->temporaries.key.dynamic_int;
    HIDE(thread);
    key10->owner = SELF_began | thread;
    dynamic_int_free(f->control, key10);
    f->frame->counts.silent++;
}

PROGRAM int fbt(struct registers *context)
{
    struct firing f = {};

    if (!firing_begin(&f, 0, context, 1))
        return 0;
    struct registers *regs = context;
    u64 function = bpf_get_func_ip(context);
    struct site *site = site_of_function(function);

    if (!site)
        return 0;
    /* At entry the probed instruction is at most 9 bytes into the function; a return address is further. */
    int returning = regs->ip - function > 9;
    struct clause_set *set = set_of(&f, returning ? site->return_set : site->entry_set);

    f.probe = site->probe + (returning && site->entry_set);
    if (returning) {
    } else {
        f.skipped_frames = 1;
    }
    /* A function without return clauses is spared the return. */
    if (!set)
        return !returning && !site->return_set;
    if (set->bits[0] & 0x1ULL)
        clause_1(&f, 0);
    if (set->bits[0] & 0x2ULL)
        clause_2(&f, 1);
    return !returning && !site->return_set;
}

PROGRAM int thread_end(struct bpf_raw_tracepoint_args *context)
{
    u32 zero = 0, thread = 0;
    struct control *words = control.lookup(&zero);

    bpf_probe_read_kernel(&thread, sizeof(thread), (void *)(context->args[0] + 1317));
    if (!words || !thread)
        return 0;
    for (u64 level = 0; level < 4; level++) {
        struct dynamic_int_key dynamic_int_key = {};
        dynamic_int_key.owner = SELF_began | thread | level << 40;
        dynamic_int_free(words, &dynamic_int_key);
    }
    return 0;
}
