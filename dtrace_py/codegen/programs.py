"""The BPF programs of a unit: for each kind of probe, how a firing begins and which clauses it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dtrace_py.codegen.clauses import ClauseFunction, function_name
from dtrace_py.codegen.plan import Enabling
from dtrace_py.codegen.shape import Shape
from dtrace_py.codegen.writer import function
from dtrace_py.record import record

_ENTRY = ("f.arg{0} = regs->{1};", ("di", "si", "dx", "cx", "r8", "r9"))
_SYSCALL = ("di", "si", "dx", "r10", "r8", "r9")
_ENTRY_IP = 9
"""A function's probed instruction is at most so far behind its start: endbr64 and the patched call. A return address,
even in a function that calls itself first, is further (x86-64)."""

COMPAT_SYSCALL = 2
"""TS_COMPAT in thread_info.status (arch/x86/include/asm/thread_info.h)."""


@dataclass(slots=True)
class Kind:
    """One program to be generated: its number, and the enablings that can happen in it."""

    name: str
    number: int
    enablings: list[Enabling] = field(default_factory=list)


@record
class Context:
    """What the generation of programs needs to know of the whole unit."""

    functions: dict[str, ClauseFunction]
    needs: frozenset[str]
    """argN, errno, this, vtimestamp, as used by any clause."""
    shape: Shape
    error_exits: bool
    """Whether an ERROR clause calls exit()."""
    places: dict[str, int]
    """The place of BEGIN, END and ERROR among the enabled probes."""
    task_pid: int = 0
    """The offset of a thread's number in struct task_struct."""
    ending: tuple[str, ...] = ()
    """What frees the variables of a thread that has ended."""


def generate(kind: Kind, context: Context) -> str:
    """The C of one program."""
    body = {
        "begin": _owned,
        "end": _owned,
        "fbt": _session,
        "fbt_entry": _function,
        "fbt_return": _function,
        "syscall_entry": _syscall,
        "syscall_return": _syscall,
        "profile": _profile,
        "vtime": _vtime,
        "thread_end": _thread_end,
    }[kind.name]
    return "\n".join(body(kind, context)) + "\n"


def error_function(enablings: list[Enabling], context: Context, linkage: str) -> str:
    """The function that runs the ERROR clauses, in place, when another clause has faulted (F21)."""
    values = {"arg0": "0", "arg1": "enabling_id(f, enabling)", "arg2": "fault->action", "arg3": "-1"}
    values |= {"arg4": "fault->code", "arg5": "fault->value", "probe": str(context.places["ERROR"])}
    values = {name: value for name, value in values.items() if name == "probe" or name in context.needs}
    lines = [
        *(f"    {'u32' if name == 'probe' else 's64'} {name} = f->{name};" for name in values),
        "",
        *(f"    f->{name} = {value};" for name, value in values.items()),
    ]
    for enabling in enablings:
        lines.append("    f->frame->counts.enablings++;")
        lines.append(f"    {function_name(enabling.clause, True)}(f, {enabling.number});")
    lines += [f"    f->{name} = {name};" for name in values]
    parameters = ("struct firing *f", "u32 enabling", "struct fault *fault")
    comment = "/* dtrace:::ERROR fires where the fault was, for the thread that had it. */"
    return "\n".join([comment, *function(linkage, "fire_error", parameters, lines)])


def _head(kind: Kind, parameter: str, gated: bool = True) -> list[str]:
    return [
        f"PROGRAM int {kind.name}({parameter})",
        "{",
        "    struct firing f = {};",
        "",
        f"    if (!firing_begin(&f, {kind.number}, context, {int(gated)}))",
        "        return 0;",
    ]


def _started(context: Context) -> list[str]:
    lines = []
    if "vtimestamp" in context.needs:
        lines.append("    f.started = bpf_ktime_get_ns();")
    if "tokens" in context.needs:
        lines.append("    f.frame->temporaries.tokens.next = 0;")
    if "this" in context.needs:
        lines.append("    string_clear((char *)&f.frame->temporaries.this_, sizeof(f.frame->temporaries.this_));")
    return lines


def _ended(context: Context) -> list[str]:
    return ["    vtime_end(&f);"] if "vtimestamp" in context.needs else []


def _clauses(kind: Kind, context: Context, sets: bool = True) -> list[str]:
    """Run the clauses of the set in program order; behind one that may call exit(), look whether it did."""
    lines: list[str] = []
    may_stop = False
    for enabling in kind.enablings:
        name = function_name(enabling.clause, False)
        word, bit = divmod(enabling.number, 64)
        test = f"set->bits[{word}] & {1 << bit:#x}ULL"
        call = f"{name}(&f, {enabling.number});"
        if may_stop:
            guard = f"({test}) && !stopped(&f)" if sets else "!stopped(&f)"
            lines += [f"    if ({guard})", f"        {call}"]
        elif sets:
            lines += [f"    if ({test})", f"        {call}"]
        else:
            lines.append(f"    {call}")
        function = context.functions[name]
        may_stop |= function.exits or (function.can_fault and context.error_exits)
    return lines


def _owned(kind: Kind, context: Context) -> list[str]:
    """BEGIN and END: run on demand, for this consumer alone."""
    place = context.places[kind.name.upper()]
    return [
        *_head(kind, "void *context", gated=False),
        f"    f.probe = {place};",
        f"    f.frame->counts.enablings += {len(kind.enablings)};",
        *(["    f.skipped_frames = f.has_own_frames = 1; /* this program */"] if "stack" in context.needs else []),
        *_started(context),
        *_clauses(kind, context, sets=False),
        *_ended(context),
        "    return 0;",
        "}",
    ]


def _arguments(context: Context, names: Iterable[str], indent: str = "    ") -> list[str]:
    lines = [
        f"{indent}f.arg{number} = regs->{register};"
        for number, register in enumerate(names)
        if f"arg{number}" in context.needs
    ]
    return lines


def _entry_arguments(context: Context, indent: str) -> list[str]:
    lines = _arguments(context, _ENTRY[1], indent)
    for number in range(6, 10):
        if f"arg{number}" in context.needs:
            lines.append(f"{indent}f.arg{number} = stack_argument(regs->sp, {number});")
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


def _run(kind: Kind, context: Context, result: str = "0") -> list[str]:
    return [
        "    if (!set)",
        f"        return {result};",
        *_started(context),
        *_clauses(kind, context),
        *_ended(context),
        f"    return {result};",
        "}",
    ]


def _session(kind: Kind, context: Context) -> list[str]:
    """Entry and return of functions in one program (kprobe session, Linux 6.10)."""
    result = "!returning && !site->return_set"
    return [
        *_head(kind, "struct registers *context"),
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
        *_run(kind, context, result),
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
        *_head(kind, "struct registers *context"),
        "    struct registers *regs = context;",
        *found,
        "",
        "    if (!site)",
        "        return 0;",
        f"    struct clause_set *set = set_of(&f, site->{'entry' if entry else 'return'}_set);",
        "",
        f"    f.probe = site->probe{'' if entry else ' + !!site->entry_set'};",
        *(_entry_arguments(context, "    ") if entry else _return_arguments(context, "    ")),
        *_run(kind, context),
    ]


def _syscall(kind: Kind, context: Context) -> list[str]:
    """raw_syscalls:sys_enter (registers, number) and sys_exit (registers, result)."""
    entry = kind.name == "syscall_entry"
    lines = _head(kind, "struct bpf_raw_tracepoint_args *context")
    lines.append("    struct registers *regs = (void *)context->args[0];")
    if context.shape.status_offset is not None:
        status = f"bpf_get_current_task() + {context.shape.status_offset}"
        lines += [
            "    u32 status = 0;",
            "",
            "    /* 32-bit programs number their calls differently: theirs are not these. */",
            f"    bpf_probe_read_kernel(&status, sizeof(status), (void *)({status}));",
            f"    if (status & {COMPAT_SYSCALL})",
            "        return 0;",
        ]
    if entry:
        lines.append("    u32 number = context->args[1];")
    else:
        lines += [
            "    u64 call = 0;",
            "",
            "    bpf_probe_read_kernel(&call, sizeof(call), &regs->orig_ax);",
            "    u32 number = call;",
        ]
    lines += [
        "    struct site *site = syscall_sites.lookup(&number);",
        "",
        "    if (!site)",
        "        return 0;",
        f"    struct clause_set *set = set_of(&f, site->{'entry' if entry else 'return'}_set);",
        "",
        f"    f.probe = site->probe{'' if entry else ' + !!site->entry_set'};",
    ]
    if "stack" in context.needs:
        lines.append("    f.skipped_frames = 2; /* this program, and what the tracepoint called it through */")
        lines.append("    f.has_own_frames = 1;")
    if entry:
        for number, register in enumerate(_SYSCALL):
            if f"arg{number}" in context.needs:
                lines.append(f"    bpf_probe_read_kernel(&f.arg{number}, sizeof(f.arg{number}), &regs->{register});")
    else:
        lines.append("    f.arg0 = f.arg1 = context->args[1];")
        if "errno" in context.needs:
            lines.append("    f.error = f.arg1 < 0 && f.arg1 >= -4095 ? -f.arg1 : 0;")
    return [*lines, *_run(kind, context)]


def _profile(kind: Kind, context: Context) -> list[str]:
    """A timer: the cookie says which."""
    return [
        *_head(kind, "struct timer_context *context"),
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
        *_run(kind, context),
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
