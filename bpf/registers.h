/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The registers that the kernel hands to a probe, as x86-64's struct pt_regs has them (arch/x86/include/asm/ptrace.h). */
#pragma once

struct registers {
    u64 r15, r14, r13, r12, bp, bx;
    u64 r11, r10, r9, r8, ax, cx, dx, si, di;
    u64 orig_ax;
    u64 ip, cs, flags, sp, ss;
};

/* What a program at a perf event gets: a timer's, or a breakpoint's. */
struct event_context {
    struct registers regs;
    u64 period, address;
};

/* A call's seventh argument and those after it, on the stack above the return address. */
static __always_inline s64 stack_argument(u64 sp, u32 number)
{
    s64 value = 0;

    bpf_probe_read_kernel(&value, sizeof(value), (void *)(sp + 8 * (number - 5)));
    return value;
}
