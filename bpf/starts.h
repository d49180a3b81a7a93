/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Where functions begin, for the offset of the instruction that returns. */
#pragma once

BPF_F_TABLE("array", u32, u64, function_starts, PROBES, BPF_F_MMAPABLE);

static __always_inline u64 function_start(u32 probe)
{
    u64 *start = function_starts.lookup(&probe);

    return start ? *start : 0;
}
