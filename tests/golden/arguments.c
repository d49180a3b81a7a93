#define CPUS 4
#define PROGRAMS 1
#define PROBES 2
#define ENABLINGS 3
#define CLAUSE_SETS 3
#define SET_WORDS 1
#define RING_BYTES 4194304
#define RING_SLACK 24
#define STRSIZE 256
#define STRING_BYTES 256
#define SYSCALLS 258

#include "linkage.h"
#include "ring.h"
#include "strings.h"
#include "values.h"
#include "arithmetic.h"

struct temporaries {
} __attribute__((aligned(8)));

#include "firing.h"
#include "record.h"
#include "fault.h"
#include "sites.h"
#include "registers.h"
#include "syscalls.h"

struct clause_1_record {
    u64 header;
    u32 value1;
} __attribute__((aligned(8)));

struct clause_1_1_record {
    u64 header;
    s32 value1;
} __attribute__((aligned(8)));

struct clause_2_record {
    u64 header;
    u64 value1;
} __attribute__((aligned(8)));

/* syscall:::entry / ... / */
static __always_inline void clause_1(struct firing *f, u32 enabling)
{
    struct clause_1_record *record = 0;

    if (!((u64)(s64)(u32)f->arg0 > 5)) {
        f->frame->counts.filtered++;
        return;
    }
    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    record->value1 = (u32)f->arg0;
    record_publish(f, record, enabling);
}

/* syscall:::entry / ... / */
static __always_inline void clause_1_1(struct firing *f, u32 enabling)
{
    struct clause_1_1_record *record = 0;

    if (!((s64)(s32)f->arg0 > 5)) {
        f->frame->counts.filtered++;
        return;
    }
    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    record->value1 = (s32)f->arg0;
    record_publish(f, record, enabling);
}

/* syscall:::entry */
static __always_inline void clause_2(struct firing *f, u32 enabling)
{
    struct clause_2_record *record = 0;

    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    record->value1 = (u64)f->arg1;
    record_publish(f, record, enabling);
}

PROGRAM int syscall_entry(struct bpf_raw_tracepoint_args *context)
{
    struct firing f = {};

    if (!firing_begin(&f, 0, context, 1))
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
    bpf_probe_read_kernel(&f.arg0, sizeof(f.arg0), &regs->di);
    bpf_probe_read_kernel(&f.arg1, sizeof(f.arg1), &regs->si);
    if (!set)
        return 0;
    if (set->bits[0] & 0x1ULL)
        clause_1(&f, 0);
    if (set->bits[0] & 0x2ULL)
        clause_1_1(&f, 1);
    if (set->bits[0] & 0x4ULL)
        clause_2(&f, 2);
    return 0;
}
