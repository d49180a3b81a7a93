/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Aggregating functions: what each does to its value. A value begins as all zeroes.
 *
 * Values are per CPU, and per program where several share an aggregation, so that none of this needs to be atomic.
 */
#pragma once

#define SIGN (1ULL << 63)

/* The bins of a value: declared as characters, because bcc makes code for every element of any other array. */
#define BINS(value) ((s64 *)(value)->bins)

/* Add to one of `count` bins. The compiler knows that the bin exists and would drop the check; the verifier does not. */
#define ADD_TO_BIN(bins, bin, count, increment) \
    do { \
        u64 bin_ = (bin); \
        __asm__ volatile("" : "+r"(bin_)); \
        if (bin_ < (count)) \
            (bins)[bin_] += (increment); \
    } while (0)

struct aggregate_average {
    u64 count;
    s64 sum;
};

struct aggregate_deviation {
    u64 count;
    s64 sum;
    u64 squares_low, squares_high; /* a 128-bit sum */
};

/* Kept as its distance from the largest number, so that zero is the value that no number is above. */
static __always_inline void aggregate_min(u64 *value, s64 number)
{
    u64 distance = (u64)number ^ ~SIGN;

    if (distance > *value)
        *value = distance;
}

/* Kept as its distance from the smallest number. */
static __always_inline void aggregate_max(u64 *value, s64 number)
{
    u64 distance = (u64)number ^ SIGN;

    if (distance > *value)
        *value = distance;
}

static __always_inline void aggregate_average(struct aggregate_average *value, s64 number)
{
    value->count++;
    value->sum += number;
}

static __always_inline void aggregate_deviation(struct aggregate_deviation *value, s64 number)
{
    u64 size = number < 0 ? -(u64)number : number;
    u64 low = size & 0xffffffff, high = size >> 32;
    u64 middle = low * high;
    u64 square_low = size * size;
    /* The carry into the upper half: what the two middle products and the low one add up to above bit 32. */
    u64 carry = (low * low >> 32) + ((middle & 0xffffffff) << 1);
    u64 square_high = high * high + (middle >> 32 << 1) + (carry >> 32);

    value->count++;
    value->sum += number;
    value->squares_low += square_low;
    value->squares_high += square_high + (value->squares_low < square_low);
}

/* The bin of a number among 127: 63 is the bin of zero, 64 that of 1, 62 that of -1 (contract G15). */
SHARED u32 aggregate_bin(s64 number)
{
    u64 size = number < 0 ? -(u64)number : number;
    u32 bin = 0;

    if (!size)
        return 63;
#pragma unroll
    for (u32 step = 32; step; step /= 2) {
        if (size >> step) {
            size >>= step;
            bin += step;
        }
    }
    if (number < 0)
        return bin < 63 ? 62 - bin : 0; /* the smallest number of all has no bin of its own */
    return 64 + bin;
}

static __always_inline void aggregate_quantize(s64 *bins, s64 number, s64 increment)
{
    ADD_TO_BIN(bins, aggregate_bin(number), 127, increment);
}

/* Bin 0 is below base, bin levels + 1 is at or above the last level. Only the low 32 bits of the number count (G16). */
static __always_inline void aggregate_lquantize(s64 *bins, s64 number, s64 base, u32 step, u32 levels, s64 increment)
{
    s64 value = (s32)number;
    u64 bin = 0;

    if (value >= base) {
        bin = (u64)(value - base) / step + 1;
        if (bin > levels)
            bin = levels + 1;
    }
    ADD_TO_BIN(bins, bin, levels + 2, increment);
}
