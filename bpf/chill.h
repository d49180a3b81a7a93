/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* chill(): keeps the CPU busy, for at most half a second in a second (contract A47). */
#pragma once

#define CHILL_MOST 500000000
#define CHILL_INTERVAL 1000000000

struct chilled {
    u64 since; /* when the current interval began */
    u64 nanoseconds; /* chilled in it */
};

COMMON_TABLE("percpu_array", int, struct chilled, chilled_map, 1, 0);

CALLBACK long chill_round(u64 round, u64 *until)
{
#pragma unroll
    for (u32 n = 0; n < 16; n++)
        if (bpf_ktime_get_ns() >= *until)
            return 1;
    return 0;
}

/* Returns 0 if it would be too long, or shorter than nothing. */
SUBPROGRAM int chill(s64 nanoseconds)
{
    int zero = 0;
    struct chilled *chilled = chilled_map.lookup(&zero);
    u64 now = bpf_ktime_get_ns(), until = now + nanoseconds;

    if (!chilled)
        return 0;
    if (now - chilled->since > CHILL_INTERVAL) {
        chilled->since = now;
        chilled->nanoseconds = 0;
    }
    if (nanoseconds < 0 || chilled->nanoseconds + nanoseconds > CHILL_MOST)
        return 0;
    LOOP(1 << 23, chill_round, &until);
    chilled->nanoseconds += nanoseconds;
    return 1;
}
