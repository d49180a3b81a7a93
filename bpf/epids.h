/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* EPIDs by enabling and probe, for clauses that ask, and for ERROR's arg1. */
#pragma once

BPF_F_TABLE("array", u32, u64, epids, ENABLINGS * PROBES, BPF_F_MMAPABLE);

static __always_inline u32 enabling_id(struct firing *f, u32 enabling)
{
    u32 place = enabling * PROBES + f->probe;
    u64 *epid = epids.lookup(&place);

    return epid ? *epid : 0;
}
