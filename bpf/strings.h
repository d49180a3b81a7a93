/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Strings: buffers whose size is a multiple of 8, zero from the end of the text to the end of the buffer. So they are
 * copied, compared and used as keys by the word.
 */
#pragma once

#define WORD(string, n) (((u64 *)(string))[n])

/* Beyond so many words a loop stays a loop: unrolled, or made a call of memset(), it could not be loaded. */
#define UNROLLED 64

/* Hides from clang what it knows of a value. */
#define HIDE(value) asm volatile("" : "+r"(value))

static __always_inline void string_clear(char *to, u32 size)
{
    if (size / 8 <= UNROLLED) {
#pragma unroll
        for (u32 n = 0; n < size / 8; n++)
            WORD(to, n) = 0;
    } else {
#pragma nounroll
        for (u32 n = 0; n < size / 8; n++) {
            HIDE(n);
            WORD(to, n) = 0;
        }
    }
}

/* Copy to a buffer of another size; what does not fit is cut. Both sizes are constants. */
static __always_inline void string_copy(char *to, u32 to_size, const char *from, u32 from_size)
{
    u32 words = (to_size < from_size ? to_size : from_size) / 8;

    if (words <= UNROLLED) {
#pragma unroll
        for (u32 n = 0; n < words; n++)
            WORD(to, n) = WORD(from, n);
    } else {
#pragma nounroll
        for (u32 n = 0; n < words; n++) {
            HIDE(n);
            WORD(to, n) = WORD(from, n);
        }
    }
    if (from_size > to_size)
        to[to_size - 1] = 0;
    else
        string_clear(to + from_size, to_size - from_size);
}

/*
 * Less than, equal to or greater than 0, byte by byte as unsigned characters. The first differing word decides.
 *
 * Goes backwards and without a branch: the verifier follows both sides of each, and a way out of every round would be
 * too many of them for a program with hundreds of comparisons.
 */
static __always_inline int string_compare(const char *a, u32 a_size, const char *b, u32 b_size)
{
    u32 words = (a_size > b_size ? a_size : b_size) / 8;
    u64 first_a = 0, first_b = 0;

    for (u32 n = words; n-- > 0;) {
        u64 x = n < a_size / 8 ? WORD(a, n) : 0;
        u64 y = n < b_size / 8 ? WORD(b, n) : 0;
        u64 difference = x ^ y, negative = -difference;
        HIDE(negative); /* in these two clang would see conditions, and branch */
        u64 differs = (s64)(difference | negative) >> 63;
        HIDE(differs);
        first_a = (first_a & ~differs) | (x & differs);
        first_b = (first_b & ~differs) | (y & differs);
    }
    first_a = __builtin_bswap64(first_a);
    first_b = __builtin_bswap64(first_b);
    return first_a < first_b ? -1 : first_a > first_b;
}
