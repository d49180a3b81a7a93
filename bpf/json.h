/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* json: one element out of a text, by a path such as a.b[3].c (contract R20). The text is read once, byte by byte. */
#pragma once

enum json_state {
    JSON_KEY, /* before a key, */
    JSON_IN_KEY, /* in it, */
    JSON_COLON, /* behind it */
    JSON_VALUE, /* before a value, */
    JSON_STRING, /* in it: a string, */
    JSON_NESTED, /* an object or array, */
    JSON_SCALAR, /* a number or a name */
    JSON_NEXT, /* behind it */
    JSON_FOUND,
    JSON_FAILED, /* malformed, or not there */
};

struct json {
    u64 state;
    u64 path; /* where the element that is looked for begins in the path */
    u64 index; /* its index, if it is in an array */
    u64 in_array;
    u64 count; /* elements of the array before this one */
    u64 matches; /* what the key so far, or the element, has in common with the path: all of it? */
    u64 at; /* how far into the path the key has come */
    u64 escaped, quoted; /* in a string: behind a backslash; in a string of a nested value */
    u64 depth; /* of a nested value */
    u64 start, end; /* of a value */
    u64 number; /* what of a number has been read */
};

struct json_scan {
    const char *text, *path;
    struct json *json;
};

static __always_inline char json_path(struct json_scan *scan, u64 at)
{
    HIDE(at);
    return at < STRING_BYTES ? scan->path[at] : 0;
}

static __always_inline int json_ends(char next)
{
    return !next || next == '.' || next == '[';
}

static __always_inline int json_blank(char next)
{
    return next == ' ' || next == '\t' || next == '\n' || next == '\r';
}

/* The index in brackets at the beginning of the rest of the path; moves behind it. */
static __always_inline int json_index(struct json_scan *scan)
{
    struct json *json = scan->json;
    u64 at = json->path + 1, index = 0;

#pragma unroll
    for (u32 n = 0; n < 6; n++) {
        u64 digit = (u64)json_path(scan, at) - '0';
        if (digit < 10) {
            index = index * 10 + digit;
            at++;
        }
    }
    if (at == json->path + 1 || json_path(scan, at) != ']' || !json_ends(json_path(scan, at + 1)))
        return 0;
    json->index = index;
    json->path = at + 1 + (json_path(scan, at + 1) == '.');
    return 1;
}

/* Into the object or array that begins here. */
static __always_inline u64 json_enter(struct json_scan *scan, char next)
{
    struct json *json = scan->json;

    json->in_array = json_path(scan, json->path) == '[';
    if (next != (json->in_array ? '[' : '{'))
        return JSON_FAILED;
    if (!json->in_array)
        return JSON_KEY;
    json->count = 0;
    if (!json_index(scan))
        return JSON_FAILED;
    json->matches = !json->index;
    return JSON_VALUE;
}

/* In a key: does it go on as the path does? */
static __always_inline u64 json_in_key(struct json_scan *scan, char next)
{
    struct json *json = scan->json;
    char wanted = json_path(scan, json->at);

    if (next == '"' && !json->escaped) {
        json->matches &= json_ends(wanted);
        if (json->matches)
            json->path = json->at + (wanted == '.');
        return JSON_COLON;
    }
    json->escaped = next == '\\' && !json->escaped;
    json->matches &= next == wanted && !json_ends(wanted);
    json->at++;
    return JSON_IN_KEY;
}

#define JSON_DIGIT(next) ((u8)((next) - '0') < 10)

/* Numbers: 1 behind the sign, 2 a zero, 3 digits, 4 behind the point, 5 digits, 6 behind e, 7 behind its sign, 8 digits. */
static __always_inline u64 json_number(u64 state, char next)
{
    if (JSON_DIGIT(next)) {
        if (state <= 1)
            return next == '0' ? 2 : 3;
        return state == 3 ? 3 : state == 4 || state == 5 ? 5 : state >= 6 ? 8 : 9;
    }
    if (next == '-')
        return state == 0 ? 1 : state == 6 ? 7 : 9;
    if (next == '+')
        return state == 6 ? 7 : 9;
    if (next == '.')
        return state == 2 || state == 3 ? 4 : 9;
    if ((next | 0x20) == 'e')
        return state == 2 || state == 3 || state == 5 ? 6 : 9;
    return 9;
}

/* Whether what lies there is a number, or one of the three names. */
static __always_inline int json_is_scalar(struct json_scan *scan)
{
    struct json *json = scan->json;
    u64 size = json->end - json->start, start = json->start, word = 0;

    if (json->number < 9)
        return json->number == 2 || json->number == 3 || json->number == 5 || json->number == 8;
    if (size > 5)
        return 0;
    bpf_probe_read_kernel(&word, size & 7, scan->text + (start & STRING_MASK));
    return word == 0x65757274 || word == 0x65736c6166 || word == 0x6c6c756e; /* true, false, null */
}

/* The first byte of a value. */
static __always_inline u64 json_value(struct json_scan *scan, u64 n, char next)
{
    struct json *json = scan->json;

    if (json->matches && json_path(scan, json->path))
        return json_enter(scan, next);
    json->start = json->end = n;
    json->escaped = json->quoted = 0;
    if (next == '"')
        return JSON_STRING;
    if (next == '{' || next == '[') {
        json->depth = 1;
        return JSON_NESTED;
    }
    json->number = json_number(0, next);
    return JSON_SCALAR;
}

/* Behind a value that was not it. */
static __always_inline u64 json_next(struct json *json, char next)
{
    if (next != ',')
        return JSON_FAILED;
    if (!json->in_array)
        return JSON_KEY;
    json->count++;
    json->matches = json->count == json->index;
    return JSON_VALUE;
}

static __always_inline u64 json_nested(struct json *json, char next)
{
    if (json->quoted) {
        if (next == '"' && !json->escaped)
            json->quoted = 0;
        json->escaped = next == '\\' && !json->escaped;
    } else if (next == '"') {
        json->quoted = 1;
        json->escaped = 0;
    } else if (next == '{' || next == '[') {
        json->depth++;
    } else if (next == '}' || next == ']') {
        json->depth--;
    }
    if (json->depth)
        return JSON_NESTED;
    return json->matches ? JSON_FOUND : JSON_NEXT;
}

static __always_inline u64 json_step(struct json_scan *scan, u64 n, char next)
{
    struct json *json = scan->json;

    switch (json->state) {
    case JSON_KEY:
        if (json_blank(next))
            return JSON_KEY;
        json->at = json->path;
        json->matches = 1;
        json->escaped = 0;
        return next == '"' ? JSON_IN_KEY : JSON_FAILED;
    case JSON_IN_KEY:
        return json_in_key(scan, next);
    case JSON_COLON:
        return json_blank(next) ? JSON_COLON : next == ':' ? JSON_VALUE : JSON_FAILED;
    case JSON_VALUE:
        return json_blank(next) ? JSON_VALUE : json_value(scan, n, next);
    case JSON_STRING:
        if (next == '"' && !json->escaped) {
            json->start++;
            json->end = n;
            return json->matches ? JSON_FOUND : JSON_NEXT;
        }
        json->escaped = next == '\\' && !json->escaped;
        return JSON_STRING;
    case JSON_NESTED:
        json->end = n + 1;
        return json_nested(json, next);
    case JSON_SCALAR:
        if (!json_blank(next) && next != ',' && next != '}' && next != ']') {
            json->number = json->number < 9 ? json_number(json->number, next) : 9;
            return JSON_SCALAR;
        }
        json->end = n;
        if (!json_is_scalar(scan))
            return JSON_FAILED;
        if (json->matches)
            return JSON_FOUND;
        return json_blank(next) ? JSON_NEXT : json_next(json, next);
    case JSON_NEXT:
        return json_blank(next) ? JSON_NEXT : json_next(json, next);
    }
    return JSON_FAILED;
}

CALLBACK long json_byte(u64 n, struct json_scan *scan)
{
    HIDE(n);
    if (n >= STRING_BYTES)
        return 1;
    char next = scan->text[n];
    u64 state = next ? json_step(scan, n, next) : JSON_FAILED;

    scan->json->state = state;
    return state >= JSON_FOUND;
}

/* Make `to` the element; 0 if there is none. */
SUBPROGRAM u64 string_of_json(char *to, struct json *json, const char *text, const char *path)
{
    struct json_scan scan = {text, path, json};

    json->path = 0;
    json->state = JSON_VALUE;
    json->matches = 1;
    if (*path)
        LOOP(STRING_BYTES, json_byte, &scan);
    if (json->state != JSON_FOUND)
        return string_none(to);
    return string_part(to, text, json->start, json->end - json->start);
}
