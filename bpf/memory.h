/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * What may be done with scratch memory (scratch.h): allocate it, and write to it, but nowhere else.
 *
 * The address of a map's value is stored and loaded again, and is then a number to the verifier, which lets it go wherever
 * numbers go. On the way back it is an offset, and the bounds of that are there for the verifier to see.
 */
#pragma once

static __always_inline struct scratch *scratch_of(struct firing *f)
{
    return &f->frame->temporaries.scratch;
}

/* How far into scratch memory an address is; one that is elsewhere is beyond its end. */
static __always_inline u64 scratch_offset(struct scratch *scratch, u64 address)
{
    return address - *(volatile u64 *)&scratch->address;
}

/* Shows the verifier that both are within scratch memory; where they are not, the function returns -1. */
#define SCRATCH_BOUND(offset, size) \
    do { \
        HIDE(offset); \
        HIDE(size); \
        if (offset > SCRATCH_BYTES || size > SCRATCH_BYTES) \
            return -1; \
    } while (0)

/* A clause begins: its scratch memory is free. */
static __always_inline void scratch_begin(struct firing *f)
{
    struct scratch *scratch = scratch_of(f);

    *(char *volatile *)&scratch->address = scratch->bytes;
    scratch->used = 0;
}

/* The address of `size` bytes more, a multiple of 8; 0 if there is no room for them. */
SUBPROGRAM u64 scratch_allocate(struct firing *f, u64 size)
{
    struct scratch *scratch = scratch_of(f);
    u64 start = (scratch->used + 7) & ~7ULL;

    if (size > SCRATCH_BYTES || start + size > SCRATCH_BYTES)
        return 0;
    scratch->used = start + size;
    return *(volatile u64 *)&scratch->address + start;
}

/* Whether all of these bytes have been allocated. */
SUBPROGRAM int scratch_holds(struct firing *f, u64 address, u64 size)
{
    struct scratch *scratch = scratch_of(f);
    u64 offset = scratch_offset(scratch, address);

    return offset <= scratch->used && size <= scratch->used - offset;
}

/* Copy kernel memory to scratch memory. Either may overlap the other. Returns 0, or less if the kernel cannot read that. */
SUBPROGRAM long scratch_read(struct firing *f, u64 to, u64 size, u64 from)
{
    struct scratch *scratch = scratch_of(f);
    u64 offset = scratch_offset(scratch, to);

    SCRATCH_BOUND(offset, size);
    if (bpf_probe_read_kernel(scratch->passing, size, (void *)from))
        return -1;
    return bpf_probe_read_kernel(scratch->bytes + offset, size, scratch->passing);
}

/* Copy memory of the current process to scratch memory. Returns 0, or less if that is not mapped, or not in memory. */
SUBPROGRAM long scratch_read_user(struct firing *f, u64 to, u64 size, u64 from)
{
    struct scratch *scratch = scratch_of(f);
    u64 offset = scratch_offset(scratch, to);

    SCRATCH_BOUND(offset, size);
    return bpf_probe_read_user(scratch->bytes + offset, size, (void *)from);
}

/* Write a number to scratch memory. */
#define CHECKED_STORE(type, address_, value_) \
    do { \
        struct scratch *scratch_ = scratch_of(f); \
        u64 to_ = (address_), offset_ = scratch_offset(scratch_, to_); \
        HIDE(offset_); \
        if (offset_ > SCRATCH_BYTES || offset_ + sizeof(type) > scratch_->used) \
            FAULT(FAULT_BADADDR, to_); \
        *(type *)(scratch_->bytes + offset_) = (value_); \
    } while (0)
