/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Entry of functions through ftrace's function tracer, which has a breakpoint at its beginning.
 *
 * Others may trace functions at the same time, by the same code. INSTANCE_0 and INSTANCE_1 are the name of our own instance;
 * OPS_PRIVATE and ARRAY_NAME say where the kernel keeps an instance of a tracer, and an instance's name.
 */
#pragma once

static __always_inline int is_our_tracer(struct firing *f, u64 ops)
{
    u64 instance = 0, at = 0, name[2] = {};

    if (ops == f->control->tracer)
        return 1;
    bpf_probe_read_kernel(&instance, sizeof(instance), (void *)(ops + OPS_PRIVATE));
    bpf_probe_read_kernel(&at, sizeof(at), (void *)(instance + ARRAY_NAME));
    bpf_probe_read_kernel_str(name, sizeof(name), (void *)at);
    if (name[0] != INSTANCE_0 || name[1] != INSTANCE_1)
        return 0;
    f->control->tracer = ops;
    return 1;
}
