/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The registers that the current thread had when it entered the kernel (contract B27), as struct pt_regs has them. */
#pragma once

static void *(*bpf_get_current_task_btf_)(void) = (void *)158;
static void *(*bpf_task_pt_regs_)(void *task) = (void *)175;

static __always_inline u64 user_register(u32 number)
{
    u64 value = 0;

    bpf_probe_read_kernel(&value, sizeof(value), (u64 *)bpf_task_pt_regs_(bpf_get_current_task_btf_()) + number);
    return value;
}
