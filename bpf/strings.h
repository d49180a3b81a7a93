/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Strings: buffers whose size is a multiple of 8, zero from the end of the text to the end of the buffer. So they are
 * copied, compared and used as keys by the word.
 */
#pragma once

#define WORD(string, n) (((u64 *)(string))[n])

static __always_inline void string_clear(char *to, u32 size)
{
#pragma unroll
    for (u32 n = 0; n < size / 8; n++)
        WORD(to, n) = 0;
}

/* Copy to a buffer of another size; what does not fit is cut. Both sizes are constants. */
static __always_inline void string_copy(char *to, u32 to_size, const char *from, u32 from_size)
{
#pragma unroll
    for (u32 n = 0; n < to_size / 8; n++)
        WORD(to, n) = n < from_size / 8 ? WORD(from, n) : 0;
    if (from_size > to_size)
        to[to_size - 1] = 0;
}

/* Less than, equal to or greater than 0, byte by byte as unsigned characters. The first differing word decides. */
static __always_inline int string_compare(const char *a, u32 a_size, const char *b, u32 b_size)
{
    u32 words = (a_size > b_size ? a_size : b_size) / 8;

    for (u32 n = 0; n < words; n++) {
        u64 x = n < a_size / 8 ? WORD(a, n) : 0;
        u64 y = n < b_size / 8 ? WORD(b, n) : 0;
        if (x != y)
            return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
    }
    return 0;
}
