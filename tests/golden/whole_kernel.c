#define CPUS 4
#define PROGRAMS 1
#define PROBES 6
#define ENABLINGS 1
#define CLAUSE_SETS 2
#define SET_WORDS 1
#define RING_BYTES 4194304
#define RING_SLACK 24
#define STRSIZE 256
#define STRING_BYTES 256
#define TEXT_START 0xffffffff81000000ULL
#define SLOT_SHIFT 4
#define FUNCTION_PAGES 1
#define FUNCTION_LEAVES 2

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

struct clause_1_record {
    u64 header;
} __attribute__((aligned(8)));

/* fbt::: */
static __always_inline void clause_1(struct firing *f, u32 enabling)
{
    struct clause_1_record *record = 0;

    record = record_reserve(f, sizeof(*record));
    if (!record)
        return;
    record_publish(f, record, enabling);
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
    return !returning && !site->return_set;
}
