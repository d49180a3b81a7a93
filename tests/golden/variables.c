#define CPUS 4
#define PROGRAMS 3
#define PROBES 3
#define ENABLINGS 3
#define CLAUSE_SETS 3
#define SET_WORDS 1
#define RING_BYTES 4194304
#define RING_SLACK 24
#define STRSIZE 256
#define STRING_BYTES 256
#define SYSCALLS 258
#define TIMERS 1

#include "linkage.h"
#include "ring.h"
#include "strings.h"
#include "values.h"
#include "arithmetic.h"

struct globals {
    s32 total;
    char last[264] __attribute__((aligned(8)));
} __attribute__((aligned(8)));

struct clause_locals {
    s32 size;
} __attribute__((aligned(8)));

#define GLOBAL_seen (1ULL << 48) /* seen */

struct dynamic_int_by_text_int_key {
    u64 owner;
    char key0[256];
    s64 key1;
};
struct dynamic_int_by_text_int_value {
    s64 value;
};

struct temporaries {
    union {
        struct dynamic_int_by_text_int_key dynamic_int_by_text_int;
    } key;
    struct clause_locals this_;
    char text[2][256];
} __attribute__((aligned(8)));

#include "firing.h"
#include "record.h"
#include "fault.h"
#include "sites.h"
#include "registers.h"
#include "syscalls.h"
#include "timers.h"

COMMON_TABLE("array", u32, struct globals, globals_map, 1, BPF_F_MMAPABLE);
COMMON_TABLE("hash", struct dynamic_int_by_text_int_key, struct dynamic_int_by_text_int_value, dynamic_int_by_text_int, 3744, 0);
SUBPROGRAM int dynamic_int_by_text_int_free(struct control *control, struct dynamic_int_by_text_int_key *key)
{
    dynamic_int_by_text_int.delete(key);
    return 0;
}

SUBPROGRAM int dynamic_int_by_text_int_store(struct firing *f, struct dynamic_int_by_text_int_key *key, s64 value)
{
    struct dynamic_int_by_text_int_value *old = dynamic_int_by_text_int.lookup(key), new = {value};

    if (!value) {
        return dynamic_int_by_text_int_free(f->control, key);
    }
    if (old) {
        old->value = value;
        return 0;
    }
    if (dynamic_int_by_text_int.update(key, &new))
        f->frame->counts.dynamic_drops++;
    return 0;
}

struct clause_2_record {
    u64 header;
    s32 value1;
} __attribute__((aligned(8)));

/* BEGIN */
static __always_inline void clause_1(struct firing *f, u32 enabling)
{
    u32 zero = 0;
    struct globals *globals = globals_map.lookup(&zero);
    if (!globals)
        return;

    globals->total = 3;
    WORD(globals->last, 0) = 0x656e6f6eULL;
    string_clear(globals->last + 8, 248);
    IS_SET(globals->last) = 1;
    f->frame->counts.silent++;
}

/* syscall::openat:entry / ... / */
static __always_inline void clause_2(struct firing *f, u32 enabling)
{
    struct clause_2_record *record = 0;
    u32 zero = 0;
    struct globals *globals = globals_map.lookup(&zero);
    if (!globals)
        return;

    int t1 = 0;
    if ((s64)globals->total > 0) {
        bpf_get_current_comm(f->frame->temporaries.text[0], 16);
        t1 = (WORD(globals->last, 0) != WORD(f->frame->temporaries.text[0], 0) || WORD(globals->last, 1) != WORD(f->frame->temporaries.text[0], 1) || WORD(globals->last, 2) != 0) != 0;
    }
    if (!t1) {
        f->frame->counts.filtered++;
        return;
    }
    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    s64 t2 = globals->total;
    globals->total = (s64)globals->total + 1;
    f->frame->temporaries.this_.size = (s32)(t2 * 2);
    s64 t3 = f->frame->temporaries.this_.size;
    bpf_get_current_comm(f->frame->temporaries.text[0], 16);
    u64 t4 = bpf_get_current_pid_tgid() >> 32;
    struct dynamic_int_by_text_int_key *key5 = &f->frame->temporaries.key.dynamic_int_by_text_int;
    key5->owner = GLOBAL_seen;
    string_copy(key5->key0, 256, f->frame->temporaries.text[0], 16);
    key5->key1 = t4;
    dynamic_int_by_text_int_store(f, key5, (s32)t3);
    if ((s64)globals->total > 5) {
        bpf_get_current_comm(f->frame->temporaries.text[1], 16);
        string_copy(f->frame->temporaries.text[0], 256, f->frame->temporaries.text[1], 16);
        goto chosen7;
    }
    WORD(f->frame->temporaries.text[0], 0) = 0x776566ULL;
    string_clear(f->frame->temporaries.text[0] + 8, 248);
    chosen7:;
    string_copy(globals->last, 256, f->frame->temporaries.text[0], 256);
    IS_SET(globals->last) = 1;
    bpf_get_current_comm(f->frame->temporaries.text[0], 16);
    u64 t8 = bpf_get_current_pid_tgid() >> 32;
    struct dynamic_int_by_text_int_key *key9 = &f->frame->temporaries.key.dynamic_int_by_text_int;
    key9->owner = GLOBAL_seen;
    string_copy(key9->key0, 256, f->frame->temporaries.text[0], 16);
    key9->key1 = t8;
    struct dynamic_int_by_text_int_value *found10 = dynamic_int_by_text_int.lookup(key9);
    s64 t11 = found10 ? found10->value : 0;
    record->value1 = t11;
    record_publish(f, record, enabling);
}

/* tick-1s */
static __always_inline void clause_3(struct firing *f, u32 enabling)
{
    u32 zero = 0;
    struct globals *globals = globals_map.lookup(&zero);
    if (!globals)
        return;

    globals->total = (s64)globals->total - 1;
    f->frame->counts.silent++;
}

PROGRAM int begin(void *context)
{
    struct firing f = {};

    if (!firing_begin(&f, 0, context, 0))
        return 0;
    f.probe = 0;
    f.frame->counts.enablings += 1;
    string_clear((char *)&f.frame->temporaries.this_, sizeof(f.frame->temporaries.this_));
    clause_1(&f, 0);
    return 0;
}

PROGRAM int profile(struct event_context *context)
{
    struct firing f = {};

    if (!firing_begin(&f, 1, context, 1))
        return 0;
    struct registers *regs = &context->regs;
    u32 number = bpf_get_attach_cookie(context);
    struct site *site = timer_sites.lookup(&number);
    struct timer *timer = timers.lookup(&number);

    if (!site || !timer)
        return 0;
    if (!timer_is_due(timer)) {
        f.frame->counts.early++;
        return 0;
    }
    struct clause_set *set = set_of(&f, site->entry_set);

    f.probe = site->probe;
    if (regs->cs & 3)
        f.arg1 = regs->ip;
    else
        f.arg0 = regs->ip;
    if (!set)
        return 0;
    string_clear((char *)&f.frame->temporaries.this_, sizeof(f.frame->temporaries.this_));
    if (set->bits[0] & 0x4ULL)
        clause_3(&f, 2);
    return 0;
}

PROGRAM int syscall_entry(struct bpf_raw_tracepoint_args *context)
{
    struct firing f = {};

    if (!firing_begin(&f, 2, context, 1))
        return 0;
    struct registers *regs = (void *)context->args[0];
    u32 status = 0;

    /* 32-bit programs number their calls differently: theirs are not these. */
    bpf_probe_read_kernel(&status, sizeof(status), (void *)(bpf_get_current_task() + 16));
    if (status & 2)
        return 0;
    u32 number = context->args[1];
    struct site *site = syscall_sites.lookup(&number);

    if (!site)
        return 0;
    struct clause_set *set = set_of(&f, site->entry_set);

    f.probe = site->probe;
    if (!set)
        return 0;
    string_clear((char *)&f.frame->temporaries.this_, sizeof(f.frame->temporaries.this_));
    if (set->bits[0] & 0x2ULL)
        clause_2(&f, 1);
    return 0;
}
