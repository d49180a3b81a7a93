/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* basename, dirname, cleanpath: paths as text (contract R2, R4, R11). */
#pragma once

struct path_scan {
    const char *path;
    u64 length;
    u64 start, end; /* of the last component */
    u64 parent; /* the end of the one before, 0 if there is none */
    u64 slash; /* whether the byte before is one, or the beginning */
};

CALLBACK long path_byte(u64 n, struct path_scan *scan)
{
    HIDE(n);
    if (n >= STRING_BYTES)
        return 1;
    char next = scan->path[n];

    if (!next)
        return 1;
    scan->length = n + 1;
    if (next != '/') {
        if (scan->slash) {
            scan->parent = scan->end;
            scan->start = n;
        }
        scan->end = n + 1;
    }
    scan->slash = next == '/';
    return 0;
}

static __always_inline void path_look(struct path_scan *scan, const char *path)
{
    UNKNOWN_ZERO(*scan);
    scan->path = path;
    scan->slash = 1;
    LOOP(STRING_BYTES, path_byte, scan);
}

SUBPROGRAM u64 path_base(char *to, const char *path)
{
    struct path_scan scan;

    path_look(&scan, path);
    if (scan.end)
        return string_part(to, path, scan.start, scan.end - scan.start);
    string_of_two(to, scan.length ? '/' : '.', 0);
    return 1;
}

SUBPROGRAM u64 path_directory(char *to, const char *path)
{
    struct path_scan scan;

    path_look(&scan, path);
    if (scan.parent)
        return string_part(to, path, 0, scan.parent);
    string_of_two(to, (scan.end ? scan.start : scan.length) ? '/' : '.', 0);
    return 1;
}

/*
 * A path is cleaned from its end to its beginning, because then it is known how many components are taken back. The
 * result grows downwards too.
 */
struct cleaning {
    u64 length;
    u64 at; /* where the result begins */
    u64 kept; /* the same without the component that is being read */
    u64 size, dots; /* of that component: bytes, and how many of them are dots */
    u64 up; /* ".." that have not met what they take back */
    char text[STRING_BYTES];
};

struct path_cleaning {
    const char *path;
    struct cleaning *cleaning;
};

#define PATH_END (STRING_BYTES - 1)

static __always_inline u64 path_put(struct cleaning *cleaning, char byte)
{
    u64 at = cleaning->at - 1;

    HIDE(at);
    if (at >= STRING_BYTES)
        return 1;
    cleaning->text[at] = byte;
    cleaning->at = at;
    return 0;
}

/* Before a component, seen from the end: a slash, if there is another behind it. */
static __always_inline void path_separate(struct cleaning *cleaning)
{
    if (cleaning->at != PATH_END)
        path_put(cleaning, '/');
}

CALLBACK long path_clean_byte(u64 n, struct path_cleaning *context)
{
    struct cleaning *cleaning = context->cleaning;
    u64 at = cleaning->length - n - 1;
    char byte = '/'; /* the beginning ends a component, as a slash does */

    HIDE(at);
    if (n > cleaning->length)
        return 1;
    if (at < STRING_BYTES)
        byte = context->path[at];
    if (byte != '/') {
        if (!cleaning->size)
            path_separate(cleaning);
        cleaning->size++;
        cleaning->dots += byte == '.';
        return path_put(cleaning, byte);
    }
    u64 size = cleaning->size, dots = cleaning->dots;

    cleaning->size = cleaning->dots = 0;
    if (!size)
        return 0;
    if (size == dots && size <= 2) {
        cleaning->up += size - 1;
        cleaning->at = cleaning->kept;
    } else if (cleaning->up) {
        cleaning->up--;
        cleaning->at = cleaning->kept;
    } else {
        cleaning->kept = cleaning->at;
    }
    return 0;
}

CALLBACK long path_up(u64 n, struct path_cleaning *context)
{
    struct cleaning *cleaning = context->cleaning;

    if (n >= cleaning->up)
        return 1;
    path_separate(cleaning);
    path_put(cleaning, '.');
    return path_put(cleaning, '.');
}

SUBPROGRAM u64 path_clean(char *to, const char *path, struct cleaning *cleaning)
{
    struct path_cleaning context = {path, cleaning};

    cleaning->length = string_length(path);
    cleaning->at = cleaning->kept = PATH_END;
    cleaning->size = cleaning->dots = cleaning->up = 0;
    LOOP(STRING_BYTES, path_clean_byte, &context);
    if (*path == '/') {
        path_put(cleaning, '/');
    } else {
        LOOP(STRING_BYTES, path_up, &context);
        if (*path && cleaning->at == PATH_END)
            path_put(cleaning, '.');
    }
    return string_part(to, cleaning->text, cleaning->at, PATH_END - cleaning->at);
}
