"""The BPF programs of a unit, a function here for each kind of probe: what fired, and with which arguments."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dtrace_py.codegen import firing
from dtrace_py.codegen.firing import Context
from dtrace_py.codegen.kinds import Kind

_FUNCTION = ("di", "si", "dx", "cx", "r8", "r9")
_SYSCALL = ("di", "si", "dx", "r10", "r8", "r9")
"""The registers that arguments of functions and of system calls come in."""

_ENTRY_IP = 9
"""A function's probed instruction is at most so far behind its start: endbr64 and the patched call. A return address,
even in a function that calls itself first, is further (x86-64)."""

_COMPAT_SYSCALL = 2
"""TS_COMPAT in thread_info.status (arch/x86/include/asm/thread_info.h)."""


def generate(kind: Kind, context: Context) -> str:
    """The C of one program."""
    body = {
        "begin": _owned,
        "end": _owned,
        "fbt": _session,
        "fbt_entry": _function,
        "fbt_return": _function,
        "ftrace_entry": _traced_entry,
        "ftrace_return": _traced_return,
        "syscall_entry": _syscall,
        "syscall_return": _syscall,
        "profile": _profile,
        "vtime": _vtime,
        "thread_end": _thread_end,
    }[kind.name]
    return "\n".join(body(kind, context)) + "\n"


def _owned(kind: Kind, context: Context) -> list[str]:
    """BEGIN and END: run on demand, for this consumer alone."""
    place = context.places[kind.name.upper()]
    return [
        *firing.head(kind, "void *context", gated=False),
        f"    f.probe = {place};",
        f"    f.frame->counts.enablings += {len(kind.enablings)};",
        *(["    f.skipped_frames = f.has_own_frames = 1; /* this program */"] if "stack" in context.needs else []),
        *firing.started(context),
        *firing.clauses(kind, context, sets=False),
        *firing.ended(context),
        "    return 0;",
        "}",
    ]


def _entry_arguments(context: Context, indent: str) -> list[str]:
    given = [*(f"regs->{name}" for name in _FUNCTION), *(f"stack_argument(regs->sp, {n})" for n in range(6, 10))]
    lines = [f"{indent}f.arg{n} = {value};" for n, value in enumerate(given) if f"arg{n}" in context.needs]
    if context.shape.skip_entry_frame:
        lines.append(f"{indent}f.skipped_frames = 1;")
    return [*lines, *_in_caller(context, indent)]


def _return_arguments(context: Context, indent: str) -> list[str]:
    lines = []
    if "arg0" in context.needs:
        if context.shape.kprobes:
            lines.append(f"{indent}f.arg0 = point - function_start(site->probe);")
        else:
            lines.append(f"{indent}f.arg0 = -1; /* which return it was is not known */")
    if "arg1" in context.needs:
        lines.append(f"{indent}f.arg1 = regs->ax;")
    if context.shape.kprobes and context.shape.skip_entry_frame:
        lines.append(f"{indent}f.skipped_frames = 1;")
    return [*lines, *_in_caller(context, indent)]


def _in_caller(context: Context, indent: str) -> list[str]:
    return [f"{indent}f.in_caller = 1;"] if "callers" in context.needs else []


def _session(kind: Kind, context: Context) -> list[str]:
    """Entry and return of functions in one program (kprobe session, Linux 6.10)."""
    result = "!returning && !site->return_set"
    return [
        *firing.head(kind, "struct registers *context"),
        "    struct registers *regs = context;",
        "    u64 function = bpf_get_func_ip(context);",
        "    struct site *site = site_of_function(function);",
        "",
        "    if (!site)",
        "        return 0;",
        f"    /* At entry the probed instruction is at most {_ENTRY_IP} bytes into the function; a return address is further. */",
        f"    int returning = regs->ip - function > {_ENTRY_IP};",
        "    struct clause_set *set = set_of(&f, returning ? site->return_set : site->entry_set);",
        "",
        "    f.probe = site->probe + (returning && site->entry_set);",
        "    if (returning) {",
        *_return_arguments(context, "        "),
        "    } else {",
        *_entry_arguments(context, "        "),
        "    }",
        "    /* A function without return clauses is spared the return. */",
        *firing.run(kind, context, result),
    ]


def _function(kind: Kind, context: Context) -> list[str]:
    """Entry or return of functions, in a program of its own."""
    entry = kind.name == "fbt_entry"
    if context.shape.kprobes:
        found = [
            "    u64 point = regs->ip - 1; /* the kernel is past the breakpoint, or acts as if there were one */",
            "    struct site *site = site_of_function(point);",
        ]
        if "thread" in context.needs:
            found.insert(0, "    f.trapped = 1;")
    else:
        found = ["    struct site *site = site_of_function(bpf_get_func_ip(context));"]
    return [
        *firing.head(kind, "struct registers *context"),
        "    struct registers *regs = context;",
        *found,
        *_of_site(entry),
        *(_entry_arguments(context, "    ") if entry else _return_arguments(context, "    ")),
        *firing.run(kind, context),
    ]


def _traced_entry(kind: Kind, context: Context) -> list[str]:
    """Entry of functions, where ftrace calls its tracer (bpf/ftrace.h)."""
    needs = context.needs
    none = "!site" if "return" in context.shape.ftrace else "!site || !is_our_tracer(&f, context->regs.dx)"
    lines = [
        *firing.head(kind, "struct event_context *context"),
        "    struct registers *regs = (void *)context->regs.cx;",
        "    struct site *site = site_of_function(context->regs.di);",
        *_of_site(True, none),
    ]
    if "thread" in needs:
        lines.append("    f.trapped = 1;")
    lines += _registers(_FUNCTION, needs)
    if stacked := [n for n in range(len(_FUNCTION), 10) if f"arg{n}" in needs]:
        lines += ["    u64 sp = 0;", "", _read("sp", "regs->sp")]
        lines += [f"    f.arg{n} = stack_argument(sp, {n});" for n in stacked]
    if "stack" in needs:
        lines.append("    /* The tracer, ftrace, the function; one more of ftrace's where several trace it. */")
        lines.append("    f.skipped_frames = (u64)regs == context->regs.sp + 8 ? 3 : 4;")
    return [*lines, *_in_caller(context, "    "), *firing.run(kind, context)]


def _traced_return(kind: Kind, context: Context) -> list[str]:
    """Return of functions, where the code that they return to, ftrace's, calls its tracer: what they returned is on the stack."""
    lines = [
        *firing.head(kind, "struct event_context *context"),
        "    struct site *site = site_of_function(function_returning(context->regs.sp));",
        *_of_site(False),
    ]
    if "thread" in context.needs:
        lines.append("    f.trapped = 1;")
    if "arg1" in context.needs:
        lines.append(_read("f.arg1", "((u64 *)context->regs.sp)[1]"))
    return [*lines, *firing.run(kind, context)]


def _registers(names: Sequence[str], needs: Collection[str]) -> list[str]:
    """The first arguments, out of registers that are kernel memory."""
    return [_read(f"f.arg{n}", f"regs->{name}") for n, name in enumerate(names) if f"arg{n}" in needs]


def _read(variable: str, from_: str) -> str:
    return f"    bpf_probe_read_kernel(&{variable}, sizeof({variable}), &{from_});"


def _of_site(entry: bool, none: str = "!site") -> list[str]:
    """What is to be done at an entry or return, and which probe that is: an entry's comes before the return's."""
    return [
        "",
        f"    if ({none})",
        "        return 0;",
        f"    struct clause_set *set = set_of(&f, site->{'entry' if entry else 'return'}_set);",
        "",
        f"    f.probe = site->probe{'' if entry else ' + !!site->entry_set'};",
    ]


def _syscall(kind: Kind, context: Context) -> list[str]:
    """raw_syscalls:sys_enter (registers, number) and sys_exit (registers, result)."""
    entry = kind.name == "syscall_entry"
    lines = firing.head(kind, "struct bpf_raw_tracepoint_args *context")
    lines.append("    struct registers *regs = (void *)context->args[0];")
    if context.shape.status_offset is not None:
        status = f"bpf_get_current_task() + {context.shape.status_offset}"
        lines += [
            "    u32 status = 0;",
            "",
            "    /* 32-bit programs number their calls differently: theirs are not these. */",
            f"    bpf_probe_read_kernel(&status, sizeof(status), (void *)({status}));",
            f"    if (status & {_COMPAT_SYSCALL})",
            "        return 0;",
        ]
    if entry:
        lines.append("    u32 number = context->args[1];")
    else:
        lines += ["    u64 call = 0;", "", _read("call", "regs->orig_ax"), "    u32 number = call;"]
    lines += ["    struct site *site = syscall_sites.lookup(&number);", *_of_site(entry)]
    if "stack" in context.needs:
        lines.append("    f.skipped_frames = 2; /* this program, and what the tracepoint called it through */")
        lines.append("    f.has_own_frames = 1;")
    if entry:
        lines += _registers(_SYSCALL, context.needs)
    else:
        lines.append("    f.arg0 = f.arg1 = context->args[1];")
        if "errno" in context.needs:
            lines.append("    f.error = f.arg1 < 0 && f.arg1 >= -4095 ? -f.arg1 : 0;")
    return [*lines, *firing.run(kind, context)]


def _profile(kind: Kind, context: Context) -> list[str]:
    """A timer: the cookie says which."""
    return [
        *firing.head(kind, "struct event_context *context"),
        "    struct registers *regs = &context->regs;",
        "    u32 number = bpf_get_attach_cookie(context);",
        "    struct site *site = timer_sites.lookup(&number);",
        "    struct timer *timer = timers.lookup(&number);",
        "",
        "    if (!site || !timer)",
        "        return 0;",
        "    if (!timer_is_due(timer)) {",
        "        f.frame->counts.early++;",
        "        return 0;",
        "    }",
        "    struct clause_set *set = set_of(&f, site->entry_set);",
        "",
        "    f.probe = site->probe;",
        "    if (regs->cs & 3)",
        "        f.arg1 = regs->ip;",
        "    else",
        "        f.arg0 = regs->ip;",
        *firing.run(kind, context),
    ]


def _vtime(kind: Kind, context: Context) -> list[str]:
    """sched_switch: keeps the account of vtimestamp."""
    return ["PROGRAM int vtime(void *context)", "{", "    vtime_switch();", "    return 0;", "}"]


def _thread_end(kind: Kind, context: Context) -> list[str]:
    """sched_process_free: nothing runs any more in this thread, not even the end of it."""
    return [
        "PROGRAM int thread_end(struct bpf_raw_tracepoint_args *context)",
        "{",
        "    u32 zero = 0, thread = 0;",
        "    struct control *words = control.lookup(&zero);",
        "",
        f"    bpf_probe_read_kernel(&thread, sizeof(thread), (void *)(context->args[0] + {context.task_pid}));",
        "    if (!words || !thread)",
        "        return 0;",
        *context.ending,
        "    return 0;",
        "}",
    ]
