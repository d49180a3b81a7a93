/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Stacks, innermost frame first. The buffer is zero beforehand, and stays so behind the last frame. */
#pragma once

/* Frames that are the tracing's own, as seen from a function that is so many calls deep in its program. */
static __always_inline u64 stack_skipped(struct firing *f, u32 calls)
{
    return f->skipped_frames + (f->has_own_frames ? calls : 0);
}

/* The kernel's. */
static __always_inline void stack_read(struct firing *f, u64 *to, u32 size, u32 calls)
{
    bpf_get_stack(f->context, to, size, stack_skipped(f, calls));
}

/* The current process's; a kernel thread has none. */
static __always_inline void user_stack_read(struct firing *f, u64 *to, u32 size)
{
    bpf_get_stack(f->context, to, size, BPF_F_USER_STACK);
}
