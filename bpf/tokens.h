/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* strtok (contract R33). What is left to cut up is kept for the rest of the firing. */
#pragma once

struct tokens {
    u64 next; /* one more than where the rest begins; 0 if there is none */
    u64 start, end; /* of the token */
    u64 delimiters[4]; /* a bit for each character */
    char text[STRING_BYTES];
};

struct token_scan {
    struct tokens *tokens;
    const char *delimiters;
};

CALLBACK long token_delimiter(u64 n, struct token_scan *scan)
{
    HIDE(n);
    if (n >= STRING_BYTES)
        return 1;
    u64 character = (u8)scan->delimiters[n];

    scan->tokens->delimiters[character >> 6 & 3] |= 1ULL << (character & 63);
    return !character; /* the end of the text is a delimiter too */
}

CALLBACK long token_byte(u64 n, struct token_scan *scan)
{
    struct tokens *tokens = scan->tokens;
    u64 at = tokens->end;

    HIDE(at);
    if (at >= STRING_BYTES)
        return 1;
    u64 character = (u8)tokens->text[at];
    u64 delimits = tokens->delimiters[character >> 6 & 3] >> (character & 63) & 1;

    if (!delimits) {
        tokens->end = at + 1;
        return 0;
    }
    if (!character || tokens->start != at)
        return 1;
    tokens->start = tokens->end = at + 1;
    return 0;
}

/* Make `to` the next token; 0 if there is none. `text` is another one to begin with, unless it is NULL. */
SUBPROGRAM u64 string_token(char *to, struct tokens *tokens, const char *text, u64 null, const char *delimiters)
{
    struct token_scan scan = {tokens, delimiters};

    if (!null) {
        string_copy(tokens->text, STRING_BYTES, text, STRING_BYTES);
        tokens->next = 1;
    }
    if (!tokens->next)
        return string_none(to);
    tokens->start = tokens->end = tokens->next - 1;
    tokens->delimiters[0] = tokens->delimiters[1] = tokens->delimiters[2] = tokens->delimiters[3] = 0;
    LOOP(STRING_BYTES, token_delimiter, &scan);
    LOOP(STRING_BYTES, token_byte, &scan);
    u64 start = tokens->start, end = tokens->end;

    tokens->next = 0;
    if (start == end)
        return string_none(to);
    string_part(to, tokens->text, start, end - start);
    HIDE(end);
    if (end < STRING_BYTES && tokens->text[end])
        tokens->next = end + 2; /* behind the delimiter */
    return 1;
}
