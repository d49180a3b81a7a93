/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Signed division, which BPF does not have before cpu v4: truncates toward zero. The divisor is not zero. */
#pragma once

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
