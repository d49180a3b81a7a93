#define CPUS 4
#define PROGRAMS 1
#define PROBES 2
#define ENABLINGS 2
#define CLAUSE_SETS 2
#define SET_WORDS 1
#define RING_BYTES 4194304
#define RING_SLACK 24
#define STRSIZE 256
#define STRING_BYTES 256
#define SYSCALLS 1

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
#include "epids.h"

struct clause_1_record {
    u64 header;
    s32 value1;
} __attribute__((aligned(8)));

struct clause_2_record {
    u64 header;
    s64 value1;
} __attribute__((aligned(8)));

/* ERROR */
static __always_inline void clause_2_in_error(struct firing *f, u32 enabling)
{
    struct clause_2_record *record = 0;

    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    record->value1 = f->arg4;
    firing_exit(f);
    record_publish(f, record, enabling);
}

/* dtrace:::ERROR fires where the fault was, for the thread that had it. */
static __always_inline void fire_error(struct firing *f, u32 enabling, struct fault *fault)
{
    s64 arg0 = f->arg0;
    s64 arg1 = f->arg1;
    s64 arg2 = f->arg2;
    s64 arg4 = f->arg4;
    u32 probe = f->probe;

    f->arg0 = 0;
    f->arg1 = enabling_id(f, enabling);
    f->arg2 = fault->action;
    f->arg4 = fault->code;
    f->probe = 0;
    f->frame->counts.enablings++;
    clause_2_in_error(f, 1);
    f->arg0 = arg0;
    f->arg1 = arg1;
    f->arg2 = arg2;
    f->arg4 = arg4;
    f->probe = probe;
}

/* syscall::read:entry / ... / */
static __always_inline void clause_1(struct firing *f, u32 enabling)
{
    struct fault *const fault = &f->frame->fault;
    fault->action = 0;
    struct clause_1_record *record = 0;

    s64 t1 = f->arg2;
    s64 t2 = f->arg0;
    CHECK_DIVISOR(t2);
    if (!(signed_modulo(t1, t2) == 0)) {
        f->frame->counts.filtered++;
        return;
    }
    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    fault->action = 1;
    s32 t3;
    LOAD(t3, f->arg1);
    record->value1 = t3;
    fault->action = 2;
    record_publish(f, record, enabling);
    return;
fault:
    fault_report(f, record, enabling, fault);
    fire_error(f, enabling, fault);
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
    bpf_probe_read_kernel(&f.arg2, sizeof(f.arg2), &regs->dx);
    bpf_probe_read_kernel(&f.arg4, sizeof(f.arg4), &regs->r8);
    if (!set)
        return 0;
    if (set->bits[0] & 0x1ULL)
        clause_1(&f, 0);
    return 0;
}
