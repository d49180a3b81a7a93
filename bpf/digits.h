/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* lltostr and strtoll (contract R22, R34). */
#pragma once

#define MOST_DIGITS 72

struct digits {
    u64 at; /* where the first one is: they come from the last to the first */
    u64 value, base;
    char text[MOST_DIGITS];
};

struct digits_context {
    struct digits *digits;
};

static __always_inline void digits_put(struct digits *digits, char digit)
{
    u64 at = digits->at - 1;

    HIDE(at);
    if (at >= MOST_DIGITS)
        return;
    digits->text[at] = digit;
    digits->at = at;
}

CALLBACK long digits_next(u64 n, struct digits_context *context)
{
    struct digits *digits = context->digits;
    u64 base = digits->base, digit = digits->value % base;

    digits_put(digits, digit < 10 ? '0' + digit : 'a' - 10 + digit);
    digits->value /= base;
    return !digits->value;
}

/* A number in a base from 2 to 36: signed if that is 10. */
SUBPROGRAM u64 string_of_number(char *to, struct digits *digits, s64 number, u64 base)
{
    int negative = base == 10 && number < 0;
    struct digits_context context = {digits};

    digits->at = MOST_DIGITS;
    digits->value = negative ? -(u64)number : number;
    digits->base = base;
    LOOP(64, digits_next, &context);
    if (base == 8 && number)
        digits_put(digits, '0');
    if (base == 16) {
        digits_put(digits, 'x');
        digits_put(digits, '0');
    }
    if (negative)
        digits_put(digits, '-');
    return string_part(to, digits->text, digits->at, MOST_DIGITS - digits->at);
}

struct number {
    u64 value, negative;
    u64 begun; /* behind the blanks */
    u64 digits;
};

struct number_scan {
    const char *text;
    u64 base;
    struct number *number;
};

CALLBACK long number_byte(u64 n, struct number_scan *scan)
{
    struct number *number = scan->number;

    HIDE(n);
    if (n >= STRING_BYTES)
        return 1;
    u64 character = (u8)scan->text[n], digit = 99;

    if (!number->begun) {
        if (character == ' ' || character == '\t')
            return 0;
        number->begun = 1;
        if (character == '-' || character == '+') {
            number->negative = character == '-';
            return 0;
        }
    }
    if (character - '0' < 10)
        digit = character - '0';
    else if ((character | 0x20) - 'a' < 26)
        digit = (character | 0x20) - 'a' + 10;
    if (digit == 33 && scan->base == 16 && number->digits == 1 && !number->value) { /* 0x */
        number->digits++;
        return 0;
    }
    if (digit >= scan->base)
        return 1;
    number->value = number->value * scan->base + digit;
    number->digits++;
    return 0;
}

SUBPROGRAM s64 number_of_string(const char *text, u64 base, struct number *number)
{
    struct number_scan scan = {text, base, number};

    number->value = number->negative = number->begun = number->digits = 0;
    LOOP(STRING_BYTES, number_byte, &scan);
    return number->negative ? -number->value : number->value;
}

#define CHECK_BASE(base) \
    do { \
        if ((u64)(base) - 2 > 36 - 2) \
            FAULT(FAULT_ILLOP, 0); \
    } while (0)
