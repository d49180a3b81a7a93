/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* substr, strjoin, tolower, toupper, memstr (contract R23, R30, R35, R36). */
#pragma once

/* `length` bytes from `start` on: both count from the end when they are negative. */
SUBPROGRAM u64 string_substr(char *to, const char *from, s64 start, s64 length)
{
    s64 size = string_length(from);

    if (start < 0) {
        start += size;
        if (start < 0 && start + length > 0) {
            length += start;
            start = 0;
        }
    }
    if (start < 0 || start >= size)
        length = 0;
    else if (length < 0)
        length += size - start;
    if (length > size - start)
        length = size - start;
    return string_part(to, from, start, length > 0 ? length : 0);
}

/* One behind the other; 0 if there is no room for both. There are STRING_BYTES more behind `to`. */
SUBPROGRAM u64 string_join(char *to, const char *first, const char *second)
{
    u64 length = string_length(first), more = string_length(second);

    string_copy(to, STRING_BYTES, first, STRING_BYTES);
    if (length + more >= STRSIZE)
        return 0;
    HIDE(length);
    HIDE(more);
    if (length < STRING_BYTES && more < STRING_BYTES)
        bpf_probe_read_kernel(to + length, more, second);
    return 1;
}

struct string_change {
    char *to;
    const char *from;
    u64 first, by; /* a letter to change from, and how far; or bytes, and what zeroes among them become */
};

CALLBACK long string_change_case(u64 n, struct string_change *change)
{
    HIDE(n);
    if (n >= STRING_BYTES / 8)
        return 1;
    u64 word = WORD(change->from, n), low = word & ~HIGHS, first = change->first;
    u64 letters = (low + (128 - first) * ONES) & ~(low + (128 - 26 - first) * ONES) & ~word & HIGHS;

    WORD(change->to, n) = word ^ letters >> 2; /* upper and lower case are 0x20 apart */
    return 0;
}

/* The 26 letters from `first` on in the other case. */
SUBPROGRAM u64 string_in_case(char *to, const char *from, u64 first)
{
    struct string_change change = {to, from, first, 0};

    LOOP(STRING_BYTES / 8, string_change_case, &change);
    return 1;
}

CALLBACK long string_change_zero(u64 n, struct string_change *change)
{
    HIDE(n);
    if (n >= STRING_BYTES || n >= change->first)
        return 1;
    if (!change->to[n])
        change->to[n] = change->by;
    return 0;
}

/* The string of memory of `size` bytes, the last one for the terminator; zeroes become separators. -1 for a bad address. */
SUBPROGRAM s64 string_of_memory(char *to, u64 address, u64 separator, u64 size)
{
    struct string_change change = {to, 0, size ? size - 1 : 0, separator};
    u64 length = change.first < STRSIZE ? change.first : STRSIZE - 1;

    change.first = length;
    string_clear(to, STRING_BYTES);
    HIDE(length);
    if (length < STRING_BYTES && bpf_probe_read_kernel(to, length, (void *)address))
        return -1;
    LOOP(STRING_BYTES, string_change_zero, &change);
    return 0;
}

#define LOAD_SEPARATED(to, address, separator, size) \
    do { \
        u64 address_ = (address); \
        if ((u64)(size) > 4096) \
            FAULT(FAULT_ILLOP, 0); \
        if (string_of_memory(to, address_, separator, size)) \
            FAULT(FAULT_BADADDR, address_); \
    } while (0)
