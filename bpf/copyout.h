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
    u64 last = scratch->left - 1, size;

    if (!scratch->left)
        return 1;
    HIDE(last); /* older verifiers do not learn from a comparison with 0 that something is at least 1 */
    if (last >= SCRATCH_BYTES)
        last = SCRATCH_BYTES - 1;
    size = last + 1;
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
    u64 size = bpf_probe_read_kernel_str(copy, STRING_BYTES, from), last;

    if (size > most)
        size = most;
    if (!size)
        return COPYOUT_DONE;
    last = size - 1;
    HIDE(last);
    if (last >= STRING_BYTES)
        return COPYOUT_CANNOT_READ;
    return bpf_probe_write_user((void *)to, copy, last + 1) ? COPYOUT_CANNOT_WRITE : COPYOUT_DONE;
}
