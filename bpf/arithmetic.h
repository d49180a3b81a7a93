/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Division; the divisor is not zero. */
#pragma once

/* Clang takes a comparison with some quotients for a question about overflow, and would multiply 128 bits, which BPF cannot. */
static __always_inline u64 unsigned_divide(u64 a, u64 b)
{
    u64 quotient = a / b;

    HIDE(quotient);
    return quotient;
}

/* BPF does not have signed division before cpu v4. It truncates toward zero. */
static __always_inline s64 signed_divide(s64 a, s64 b)
{
    u64 quotient = (a < 0 ? -(u64)a : (u64)a) / (b < 0 ? -(u64)b : (u64)b);

    return (a < 0) != (b < 0) ? -quotient : quotient;
}

/* The remainder takes the sign of the dividend. */
static __always_inline s64 signed_modulo(s64 a, s64 b)
{
    u64 remainder = (a < 0 ? -(u64)a : (u64)a) % (b < 0 ? -(u64)b : (u64)b);

    return a < 0 ? -remainder : remainder;
}
