#define CPUS 4
#define PROGRAMS 3
#define PROBES 4
#define ENABLINGS 2
#define CLAUSE_SETS 3
#define SET_WORDS 1
#define RING_BYTES 4194304
#define RING_SLACK 176
#define STRSIZE 256
#define STRING_BYTES 256
#define TEXT_START 0xffffffff81000000ULL
#define SLOT_SHIFT 4
#define FUNCTION_PAGES 1
#define FUNCTION_LEAVES 2
#define INSTANCE_0 0x315f79707464ULL
#define INSTANCE_1 0x0ULL
#define OPS_PRIVATE 1763
#define ARRAY_NAME 1417
#define PREEMPT_COUNT 0x1c000ULL
#define PER_CPU_OFFSETS 0xffffffff82000000ULL

#include "linkage.h"
#include "ring.h"
#include "strings.h"
#include "values.h"
#include "arithmetic.h"

#define SELF_size (1ULL << 48) /* self->size */

struct dynamic_int_key {
    u64 owner;
};
struct dynamic_int_value {
    s64 value;
};

struct temporaries {
    union {
        struct dynamic_int_key dynamic_int;
    } key;
} __attribute__((aligned(8)));

#include "firing.h"
#include "record.h"
#include "fault.h"
#include "sites.h"
#include "registers.h"
#include "functions.h"
#include "ftrace.h"
#include "thread.h"
#include "stack.h"

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

struct clause_1_record {
    u64 header;
    s64 value1;
    u64 stack2[20];
} __attribute__((aligned(8)));

struct clause_2_record {
    u64 header;
    s64 value1;
} __attribute__((aligned(8)));

/* fbt:::entry */
static __always_inline void clause_1(struct firing *f, u32 enabling)
{
    struct clause_1_record *record = 0;
    u64 thread = thread_key(f);

    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    s64 t1 = f->arg2;
    struct dynamic_int_key *key2 = &f->frame->temporaries.key.dynamic_int;
    HIDE(thread);
    key2->owner = SELF_size | thread;
    dynamic_int_store(f, key2, t1);
    record->value1 = f->arg7;
    stack_read(f, record->stack2, 160, 0);
    record_publish(f, record, enabling);
}

/* fbt::vfs_read:return */
static __always_inline void clause_2(struct firing *f, u32 enabling)
{
    struct clause_2_record *record = 0;
    u64 thread = thread_key(f);

    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    struct dynamic_int_key *key1 = &f->frame->temporaries.key.dynamic_int;
    HIDE(thread);
    key1->owner = SELF_size | thread;
    struct dynamic_int_value *found2 = dynamic_int.lookup(key1);
    s64 t3 = found2 ? found2->value : 0;
    record->value1 = t3;
    record_publish(f, record, enabling);
}

PROGRAM int ftrace_entry(struct event_context *context)
{
    struct firing f = {};

    if (!firing_begin(&f, 0, context, 1))
        return 0;
    struct registers *regs = (void *)context->regs.cx;
    struct site *site = site_of_function(context->regs.di);

    if (!site || !is_our_tracer(&f, context->regs.dx))
        return 0;
    struct clause_set *set = set_of(&f, site->entry_set);

    f.probe = site->probe;
    f.trapped = 1;
    bpf_probe_read_kernel(&f.arg2, sizeof(f.arg2), &regs->dx);
    u64 sp = 0;

    bpf_probe_read_kernel(&sp, sizeof(sp), &regs->sp);
    f.arg7 = stack_argument(sp, 7);
    /* The tracer, ftrace, the function; one more of ftrace's where several trace it. */
    f.skipped_frames = (u64)regs == context->regs.sp + 8 ? 3 : 4;
    if (!set)
        return 0;
    if (set->bits[0] & 0x1ULL)
        clause_1(&f, 0);
    return 0;
}

PROGRAM int fbt_return(struct registers *context)
{
    struct firing f = {};

    if (!firing_begin(&f, 1, context, 1))
        return 0;
    struct registers *regs = context;
    f.trapped = 1;
    u64 point = regs->ip - 1; /* the kernel is past the breakpoint, or acts as if there were one */
    struct site *site = site_of_function(point);

    if (!site)
        return 0;
    struct clause_set *set = set_of(&f, site->return_set);

    f.probe = site->probe + !!site->entry_set;
    f.skipped_frames = 1;
    if (!set)
        return 0;
    if (set->bits[0] & 0x2ULL)
        clause_2(&f, 1);
    return 0;
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
        dynamic_int_key.owner = SELF_size | thread | level << 40;
        dynamic_int_free(words, &dynamic_int_key);
    }
    return 0;
}
