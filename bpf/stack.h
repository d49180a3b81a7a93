/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Kernel stacks. The buffer is zero beforehand, and stays so behind the last frame. */
#pragma once

static __always_inline void stack_read(struct firing *f, u64 *to, u32 size)
{
    bpf_get_stack(f->context, to, size, f->skipped_frames);
}
