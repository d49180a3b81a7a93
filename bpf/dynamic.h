/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The bytes that all dynamic variables take together, where they are in several maps: no more than dynvarsize (contract V6).
 * CPUs that add elements at the same moment may go beyond it by these.
 */
#pragma once

static __always_inline int dynamic_take(struct control *control, u64 size)
{
    if (*(volatile u64 *)&control->dynamic_bytes + size > DYNAMIC_BYTES)
        return 0;
    __sync_fetch_and_add(&control->dynamic_bytes, size);
    return 1;
}

static __always_inline void dynamic_give(struct control *control, u64 size)
{
    __sync_fetch_and_add(&control->dynamic_bytes, -size);
}
