"""What all programs have in common: how a firing begins and ends, and that it runs the clauses of a set in between."""

from __future__ import annotations

from dtrace_py.codegen.clauses import ClauseFunction, function_name
from dtrace_py.codegen.kinds import Kind
from dtrace_py.codegen.plan import Enabling
from dtrace_py.codegen.shape import Shape
from dtrace_py.codegen.writer import function
from dtrace_py.record import record


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


def head(kind: Kind, parameter: str, gated: bool = True) -> list[str]:
    """The beginning of a program; one that is not ``gated`` runs though the gate is shut."""
    return [
        f"PROGRAM int {kind.name}({parameter})",
        "{",
        "    struct firing f = {};",
        "",
        f"    if (!firing_begin(&f, {kind.number}, context, {int(gated)}))",
        "        return 0;",
    ]


def started(context: Context) -> list[str]:
    """What is done before the first clause."""
    lines = []
    if "vtimestamp" in context.needs:
        lines.append("    f.started = bpf_ktime_get_ns();")
    if "tokens" in context.needs:
        lines.append("    f.frame->temporaries.tokens.next = 0;")
    if "this" in context.needs:
        lines.append("    string_clear((char *)&f.frame->temporaries.this_, sizeof(f.frame->temporaries.this_));")
    return lines


def ended(context: Context) -> list[str]:
    """What is done behind the last one."""
    return ["    vtime_end(&f);"] if "vtimestamp" in context.needs else []


def clauses(kind: Kind, context: Context, sets: bool = True) -> list[str]:
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


def run(kind: Kind, context: Context, result: str = "0") -> list[str]:
    """The rest of a program, once ``set`` tells the clauses."""
    return [
        "    if (!set)",
        f"        return {result};",
        *started(context),
        *clauses(kind, context),
        *ended(context),
        f"    return {result};",
        "}",
    ]


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
