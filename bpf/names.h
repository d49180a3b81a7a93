/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What the enabled probes are called, for clauses that ask: id, probeprov, probemod, probefunc, probename. */
#pragma once

struct probe_name {
    u32 id;
    u32 parts[4]; /* offsets of provider, module, function and name in the text */
    u32 pad; /* elements of an array map are a multiple of 8 bytes apart */
};

struct names {
    char text[NAMES_BYTES + 256]; /* NAMES_BYTES is a power of two */
};

BPF_F_TABLE("array", u32, struct probe_name, probe_names, PROBES, BPF_F_MMAPABLE);
BPF_F_TABLE("array", u32, struct names, names, 1, BPF_F_MMAPABLE);

static __always_inline u32 probe_id(struct firing *f)
{
    struct probe_name *name = probe_names.lookup(&f->probe);

    return name ? name->id : 0;
}

/* Where a part of the name is; 0 if there is none. */
SHARED u64 probe_part(struct firing *f, u32 part)
{
    u32 zero = 0;
    struct probe_name *name = probe_names.lookup(&f->probe);
    struct names *all = names.lookup(&zero);

    return name && all ? (u64)&all->text[name->parts[part & 3] & (NAMES_BYTES - 1)] : 0;
}

static __always_inline void probe_text(struct firing *f, u32 part, char *to, u32 size)
{
    string_clear(to, size);
    bpf_probe_read_kernel_str(to, size, (void *)probe_part(f, part));
}
