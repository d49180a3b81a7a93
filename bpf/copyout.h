/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Writing memory of the current process (contract A42, A43), a piece at a time. Needs scratch.h. */
#pragma once

enum { COPYOUT_DONE, COPYOUT_CANNOT_READ, COPYOUT_CANNOT_WRITE };

struct copyout {
    struct scratch *scratch;
    u64 outcome;
};

CALLBACK long copyout_piece(u64 round, struct copyout *copy)
{
    struct scratch *scratch = copy->scratch;
    u64 size = scratch->left;

    HIDE(size);
    if (!size)
        return 1;
    if (size > SCRATCH_BYTES)
        size = SCRATCH_BYTES;
    copy->outcome = COPYOUT_CANNOT_READ;
    if (bpf_probe_read_kernel(scratch->passing, size, (void *)scratch->from))
        return 1;
    copy->outcome = COPYOUT_CANNOT_WRITE;
    if (bpf_probe_write_user((void *)scratch->to, scratch->passing, size))
        return 1;
    copy->outcome = COPYOUT_DONE;
    scratch->from += size;
    scratch->to += size;
    scratch->left -= size;
    return 0;
}

SUBPROGRAM u64 copyout(struct firing *f, u64 from, u64 to, u64 size)
{
    struct scratch *scratch = scratch_of(f);
    struct copyout copy = {scratch, COPYOUT_DONE};

    scratch->from = from;
    scratch->to = to;
    scratch->left = size;
    LOOP(1 << 23, copyout_piece, &copy);
    return copy.outcome;
}

/* A string of the frame, and its end: no more than `most` bytes of it. `copy` is room for another string. */
SUBPROGRAM u64 copyout_string(char *copy, char *from, u64 to, u64 most)
{
    u64 size = bpf_probe_read_kernel_str(copy, STRING_BYTES, from);

    if (size > most)
        size = most;
    HIDE(size);
    if (!size)
        return COPYOUT_DONE;
    if (size > STRING_BYTES)
        return COPYOUT_CANNOT_READ;
    return bpf_probe_write_user((void *)to, copy, size) ? COPYOUT_CANNOT_WRITE : COPYOUT_DONE;
}
