#define CPUS 4
#define PROGRAMS 1
#define PROBES 1
#define ENABLINGS 1
#define CLAUSE_SETS 2
#define SET_WORDS 1
#define RING_BYTES 4194304
#define RING_SLACK 3064
#define STRSIZE 256
#define STRING_BYTES 256
#define TEXT_START 0xffffffff81000000ULL
#define SLOT_SHIFT 4
#define FUNCTION_PAGES 1
#define FUNCTION_LEAVES 2
#define PACKET_MOST 1514
#define PACKET_LEN 1319
#define PACKET_DATA_LEN 1824
#define PACKET_DATA 1410
#define PACKET_HEAD 1402
#define PACKET_END 1311
#define PACKET_PIECES_COUNT 1850
#define PACKET_PIECES 1531
#define PACKET_MOST_PIECES 45
#define PAGES 0xffffffff83000000ULL
#define PAGE_DESCRIPTIONS 0xffffffff83000008ULL
#define PAGE_BYTES 4096
#define PAGE_DESCRIPTION 64

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
#include "functions.h"
#include "packet.h"

struct clause_1_record {
    u64 header;
    u64 time1;
    u32 length2;
    u32 captured3;
    char memory4[1514] __attribute__((aligned(8)));
} __attribute__((aligned(8)));

/* fbt::vfs_read:entry */
static __always_inline void clause_1(struct firing *f, u32 enabling)
{
    struct fault *const fault = &f->frame->fault;
    fault->action = 0;
    struct clause_1_record *record = 0;
    u64 timestamp = bpf_ktime_get_ns();

    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    fault->action = 1;
    record->time1 = timestamp + f->control->wall_offset;
    LOAD_PACKET(record->memory4, record->captured3, record->length2, f->arg0);
    fault->action = 2;
    record_publish(f, record, enabling);
    return;
fault:
    fault_report(f, record, enabling, fault);
}

PROGRAM int fbt_entry(struct registers *context)
{
    struct firing f = {};

    if (!firing_begin(&f, 0, context, 1))
        return 0;
    struct registers *regs = context;
    struct site *site = site_of_function(bpf_get_func_ip(context));

    if (!site)
        return 0;
    struct clause_set *set = set_of(&f, site->entry_set);

    f.probe = site->probe;
    f.arg0 = regs->di;
    f.skipped_frames = 1;
    if (!set)
        return 0;
    if (set->bits[0] & 0x1ULL)
        clause_1(&f, 0);
    return 0;
}
