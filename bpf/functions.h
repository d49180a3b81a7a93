/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The sites of functions: text from TEXT_START in leaves of 256 slots, a slot 1 << SLOT_SHIFT bytes. Leaf 0 is empty. */
#pragma once

struct leaf {
    struct site sites[256];
};

BPF_F_TABLE("array", u32, u64, function_leaves, FUNCTION_PAGES, BPF_F_MMAPABLE);
BPF_F_TABLE("array", u32, struct leaf, function_sites, FUNCTION_LEAVES, BPF_F_MMAPABLE);

static __always_inline struct site *site_of_function(u64 address)
{
    u64 slot = (address - TEXT_START) >> SLOT_SHIFT;
    u32 page = slot >> 8;
    u64 *leaf = function_leaves.lookup(&page);

    if (!leaf)
        return 0;
    u32 number = *leaf;
    struct leaf *sites = function_sites.lookup(&number);

    return sites ? &sites->sites[slot & 255] : 0;
}
