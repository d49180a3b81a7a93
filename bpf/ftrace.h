/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Functions through ftrace's tracers, which have a breakpoint at their beginning. Each is called with the function, its caller,
 * what ftrace knows of the tracer, and the registers.
 */
#pragma once

#ifdef INSTANCE_0
/*
 * Others may trace functions at the same time, by the same code. INSTANCE_0 and INSTANCE_1 are the name of our own instance;
 * OPS_PRIVATE and ARRAY_NAME say where the kernel keeps an instance of a tracer, and an instance's name.
 */
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
#else
/*
 * There is one graph tracer, and it is ours. It keeps the functions that a thread is to return from: RETURN_DEPTH says where
 * among RETURNS the last one is, RETURN_FUNCTION and RETURN_PLACE what the function was, and where its return address.
 *
 * What the breakpoint's handler has called on the way to this program may be on top, if it is traced too; it has a stack of its
 * own. The function that has just returned had its return address little above `sp`.
 */
#define HANDLER_FUNCTIONS 4
#define HANDLER_STACK 64

static __always_inline u64 function_returning(u64 sp)
{
    u64 task = bpf_get_current_task(), returns = 0;
    s32 depth = -1;

    bpf_probe_read_kernel(&depth, sizeof(depth), (void *)(task + RETURN_DEPTH));
    bpf_probe_read_kernel(&returns, sizeof(returns), (void *)(task + RETURNS));
#pragma unroll
    for (int handlers = 0; handlers < HANDLER_FUNCTIONS; handlers++, depth--) {
        u64 at = returns + depth * RETURN_BYTES, place = 0, function = 0;

        if (!returns || depth < 0)
            return 0;
        bpf_probe_read_kernel(&place, sizeof(place), (void *)(at + RETURN_PLACE));
        if (place - sp < HANDLER_STACK) {
            bpf_probe_read_kernel(&function, sizeof(function), (void *)(at + RETURN_FUNCTION));
            return function;
        }
    }
    return 0;
}
#endif
