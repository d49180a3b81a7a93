/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* index, rindex, strstr, strchr, strrchr: a character or a string in another (contract R15, R16, R29, R32). */
#pragma once

struct string_mark {
    const char *text;
    u64 sought, last; /* the character, and whether the last one is wanted */
    s64 found;
};

CALLBACK long string_mark_byte(u64 n, struct string_mark *mark)
{
    HIDE(n);
    if (n >= STRING_BYTES)
        return 1;
    u64 character = (u8)mark->text[n];

    if (character == mark->sought) {
        mark->found = n;
        if (!mark->last)
            return 1;
    }
    return !character;
}

/* Make `to` what begins with the character; 0 if there is none. */
SUBPROGRAM u64 string_from_character(char *to, const char *text, u64 sought, u64 last)
{
    struct string_mark mark = {text, (u8)sought, last, -1};

    LOOP(STRING_BYTES, string_mark_byte, &mark);
    if (mark.found < 0)
        return string_none(to);
    return STRING_REST(to, text, (u64)mark.found);
}

/*
 * The search of Knuth, Morris and Pratt: no character is looked at twice. borders[n] is how much of the beginning of what
 * is sought is also the end of its first n + 1 bytes.
 */
struct search {
    u64 at, matched;
    s64 found;
    u16 borders[STRING_BYTES];
};

struct string_search {
    const char *text, *sought;
    struct search *search;
    s64 until; /* the last occurrence up to there is wanted; the first one if it is negative */
};

CALLBACK long string_border(u64 round, struct string_search *context)
{
    struct search *search = context->search;
    u64 at = search->at, matched = search->matched;

    if (at >= STRING_BYTES || matched >= STRING_BYTES)
        return 1;
    char next = context->sought[at];

    if (!next)
        return 1;
    if (next == context->sought[matched]) {
        search->borders[at] = matched + 1;
        search->matched = matched + 1;
        search->at = at + 1;
    } else if (matched) {
        search->matched = search->borders[matched - 1];
    } else {
        search->borders[at] = 0;
        search->at = at + 1;
    }
    return 0;
}

CALLBACK long string_search_byte(u64 round, struct string_search *context)
{
    struct search *search = context->search;
    u64 at = search->at, matched = search->matched;

    if (at >= STRING_BYTES || matched >= STRING_BYTES)
        return 1;
    char sought = context->sought[matched], next = context->text[at];

    if (!sought) { /* all of it */
        s64 start = at - matched;

        if (context->until >= 0 && start > context->until)
            return 1;
        search->found = start;
        if (context->until < 0 || !matched)
            return 1;
        search->matched = search->borders[matched - 1];
        return 0;
    }
    if (next == sought) {
        search->matched = matched + 1;
        search->at = at + 1;
    } else if (matched) {
        search->matched = search->borders[matched - 1];
    } else {
        search->at = at + 1;
    }
    return !next;
}

/* Where the string is in the text, from `from` on: the first time, or the last time up to `until`; -1 if it is not. */
SUBPROGRAM s64 string_search(const char *text, const char *sought, struct search *search, u64 from, s64 until)
{
    struct string_search context = {text, sought, search, until};

    search->at = 1;
    search->matched = 0;
    LOOP(2 * STRING_BYTES, string_border, &context);
    search->at = from;
    search->matched = 0;
    search->found = -1;
    LOOP(3 * STRING_BYTES, string_search_byte, &context);
    return search->found;
}

SUBPROGRAM s64 string_index(const char *text, const char *sought, struct search *search, s64 from)
{
    s64 length = string_length(text);

    if (from < 0)
        from = 0;
    if (!*sought)
        return from < length ? from : length;
    if (from >= length)
        return -1;
    return string_search(text, sought, search, from, -1);
}

SUBPROGRAM s64 string_rindex(const char *text, const char *sought, struct search *search, s64 until)
{
    s64 length = string_length(text);

    if (!*sought)
        return until < 0 ? 0 : until < length ? until : length;
    if (until < 0)
        return -1;
    return string_search(text, sought, search, 0, until);
}

/* Make `to` what begins with the string; 0 if it is not in the text. */
SUBPROGRAM u64 string_from_string(char *to, const char *text, const char *sought, struct search *search)
{
    s64 found = *sought ? string_search(text, sought, search, 0, -1) : 0;

    if (found < 0)
        return string_none(to);
    return STRING_REST(to, text, (u64)found);
}
