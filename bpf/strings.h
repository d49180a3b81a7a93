/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Strings: buffers whose size is a multiple of 8, zero from the end of the text to the end of the buffer. So they are
 * copied, compared and used as keys by the word. The largest is STRING_BYTES, for a text of less than STRSIZE.
 */
#pragma once

#define WORD(string, n) (((u64 *)(string))[n])

/* A variable is a word longer: whether it has a string, or is NULL still or again (contract S3). */
#define IS_SET(variable) WORD(variable, STRING_BYTES / 8)

/* Up to so many words copies are instructions. Beyond, and where hundreds of them would keep clang busy, a helper copies. */
#ifdef MANY_CLAUSES
#define UNROLLED 4
#else
#define UNROLLED 64
#endif

/* Hides from clang what it knows of a value. */
#define HIDE(value) asm volatile("" : "+r"(value))

/* The helper clears what it cannot fill in, and there is nothing at address 0. */
#define MEMORY_CLEAR(to, size) bpf_probe_read_kernel(to, size, 0)

static __always_inline void string_clear(char *to, u32 size)
{
    if (size / 8 <= UNROLLED) {
#pragma unroll
        for (u32 n = 0; n < size / 8; n++)
            WORD(to, n) = 0;
    } else {
        MEMORY_CLEAR(to, size);
    }
}

/* Copy to a buffer of another size; what does not fit is cut. Both sizes are constants. */
static __always_inline void string_copy(char *to, u32 to_size, const char *from, u32 from_size)
{
    u32 size = to_size < from_size ? to_size : from_size;

    if (size / 8 <= UNROLLED) {
#pragma unroll
        for (u32 n = 0; n < size / 8; n++)
            WORD(to, n) = WORD(from, n);
    } else {
        bpf_probe_read_kernel(to, size, from);
    }
    if (from_size > to_size)
        to[to_size - 1] = 0;
    else
        string_clear(to + from_size, to_size - from_size);
}

struct string_pair {
    const char *a, *b;
    u64 a_size, b_size;
    u64 x, y; /* the first words that differ */
};

CALLBACK long string_compare_word(u64 n, struct string_pair *pair)
{
    u64 at = n * 8, x = 0, y = 0;

    HIDE(at);
    if (at < pair->a_size)
        x = *(u64 *)(pair->a + at);
    if (at < pair->b_size)
        y = *(u64 *)(pair->b + at);
    if (x == y)
        return 0;
    pair->x = x;
    pair->y = y;
    return 1;
}

/* Less than, equal to or greater than 0, byte by byte as unsigned characters: the first differing word decides. */
SUBPROGRAM s64 string_compare(const char *a, u64 a_size, const char *b, u64 b_size)
{
    struct string_pair pair = {a, b, a_size, b_size};

    LOOP((a_size > b_size ? a_size : b_size) / 8, string_compare_word, &pair);
    pair.x = __builtin_bswap64(pair.x);
    pair.y = __builtin_bswap64(pair.y);
    return pair.x < pair.y ? -1 : pair.x > pair.y;
}
