/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Who called, and from how deep: caller, ucaller, stackdepth, ustackdepth (contract B3, B4, B22). */
#pragma once

/* The kernel's own limit, unless someone has raised it (kernel.perf_event_max_stack). */
#define STACK_FRAMES 127

/* The stack of a function's probe begins with its caller, others with the function that the probe is in. */
static __always_inline u64 caller(struct firing *f)
{
    u64 frames[2] = {};

    if (bpf_get_stack(f->context, frames, sizeof(frames), f->skipped_frames) < 0)
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

SUBPROGRAM u64 stack_depth(struct firing *f, u64 flags)
{
    u64 *frames = f->frame->temporaries.frames;
    s64 size = bpf_get_stack(f->context, frames, STACK_FRAMES * 8, flags);

    return size < 0 ? 0 : size / 8;
}
