/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * What subroutines on strings have in common. All strings here, arguments and results, are STRING_BYTES long.
 *
 * What a loop counts is in the frame, a map, and on the stack are only addresses and what does not change: what is on the
 * stack the verifier knows, and would follow round by round.
 */
#pragma once

#define ONES 0x0101010101010101ULL
#define HIGHS (ONES << 7)

/* No byte of a string is further than this. */
#define STRING_MASK 0xffff

struct string_scan {
    const char *text;
    s64 length;
};

CALLBACK long string_length_word(u64 n, struct string_scan *scan)
{
    HIDE(n);
    if (n >= STRING_BYTES / 8)
        return 1;
    u64 word = WORD(scan->text, n);
    u64 zeroes = (word - ONES) & ~word & HIGHS; /* the lowest one is right */

    if (!zeroes)
        return 0;
    u64 before = ((zeroes & -zeroes) - 1) >> 7; /* a one in each byte before the first zero */
    scan->length = n * 8 + ((before & ONES) * ONES >> 56);
    return 1;
}

SUBPROGRAM u64 string_length(const char *text)
{
    struct string_scan scan = {text, 0};

    LOOP(STRING_BYTES / 8, string_length_word, &scan);
    return scan.length;
}

/* Make `to` the `length` bytes that begin `start` bytes into `from`; what does not fit is cut. */
SUBPROGRAM u64 string_part(char *to, const char *from, u64 start, u64 length)
{
    string_clear(to, STRING_BYTES);
    if (length > STRSIZE - 1)
        length = STRSIZE - 1;
    HIDE(length);
    length &= STRING_MASK;
    if (length < STRING_BYTES)
        bpf_probe_read_kernel(to, length, from + (start & STRING_MASK));
    return 1;
}

/* Make `to` NULL, which looks like the empty string; whether it is NULL is what a function returns. */
static __always_inline u64 string_none(char *to)
{
    string_clear(to, STRING_BYTES);
    return 0;
}

/* Make `to` all of `from` but for the first bytes. */
#define STRING_REST(to, from, start) string_part(to, from, start, STRING_BYTES - (start))

static __always_inline void string_of_two(char *to, char first, char second)
{
    string_clear(to, STRING_BYTES);
    WORD(to, 0) = (u8)first | (STRSIZE > 2 ? (u64)(u8)second << 8 : 0);
}
