/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Who called: caller, ucaller (contract B3, B4). */
#pragma once

/* The stack of a function's probe begins with its caller, others with the function that the probe is in. */
static __always_inline u64 caller(struct firing *f, u32 calls)
{
    u64 frames[2] = {};

    if (bpf_get_stack(f->context, frames, sizeof(frames), stack_skipped(f, calls)) < 0)
        return 0;
    return f->in_caller ? frames[0] : frames[1];
}

static __always_inline u64 user_caller(struct firing *f)
{
    u64 frames[2] = {};

    if (bpf_get_stack(f->context, frames, sizeof(frames), BPF_F_USER_STACK) < 0)
        return 0;
    return frames[1];
}
