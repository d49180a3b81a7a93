/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * How deep a stack is: stackdepth, ustackdepth (contract B22).
 *
 * Needs from the program: STACK_FRAMES, the deepest that one is followed (option maxframes).
 */
#pragma once

SUBPROGRAM u64 stack_depth(struct firing *f, u64 flags)
{
    u64 *frames = f->frame->temporaries.frames;
    s64 size = bpf_get_stack(f->context, frames, STACK_FRAMES * 8, flags);

    return size < 0 ? 0 : size / 8;
}
