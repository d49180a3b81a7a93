/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Structures, unions, arrays and floating-point numbers: memory of so many bytes, copied as it is.
 *
 * Copying is a helper's work, one instruction whatever the size. Reading from address 0 fails, and clears.
 */
#pragma once

/* What is so many bytes behind the start of something in our own memory. */
#define AT(type, base, offset) (*(type *)((char *)(base) + (offset)))

/* Shows the verifier what is so anyway: every index has been checked. */
#define BOUND(offset, most) \
    do { \
        HIDE(offset); \
        if ((offset) > (most)) \
            (offset) = (most); \
    } while (0)

#define COPY(to, size, from) bpf_probe_read_kernel(to, size, (void *)(from))
#define CLEAR(to, size) bpf_probe_read_kernel(to, size, (void *)0)

/* A string of less than `limit` bytes, into a buffer of `size`, zero to its end. */
#define COPY_STRING(to, size, limit, from) \
    do { \
        string_clear(to, size); \
        bpf_probe_read_kernel_str(to, limit, (void *)(from)); \
    } while (0)

/* What curcpu points to: cpuinfo_t of the D library. */
struct cpu_info {
    s32 id, pset, chip, lgrp;
};
