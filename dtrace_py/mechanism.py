"""Whether the probes of functions come through ftrace's tracers, on a kernel that has no links for them.

There each would take a kprobe, some milliseconds to make, and more the more there are. ftrace's tracers take all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dtrace_py.kernel import features
from dtrace_py.kernel.machine import Machine
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.lang import acts, typed
from dtrace_py.lang.program import Clause
from dtrace_py.programs import Compiled
from dtrace_py.providers.dtrace import ERROR
from dtrace_py.providers.fbt import entry_id
from dtrace_py.record import values
from dtrace_py.runtime import ftrace

WORTHWHILE = 512
"""From so many functions on. Fewer are better off with kprobes: many hypervisors look at each exception of a debug register."""

_ASKS_WHERE = frozenset({"arg0", "caller", "stackdepth", "stack"})
"""What a clause at a return can only have where a kprobe stands at the instruction: a graph tracer is called from elsewhere."""


def through_ftrace(compiled: Compiled, machine: Machine, note: Callable[[str], object]) -> dict[str, int]:
    """The kinds of probes, entry or return, that come through ftrace: of each the address to put a breakpoint at.

    ``note`` hears why returns get kprobes, if somebody could change that.
    """
    address_of, cpus = machine.symbols.address, machine.online
    many = [kind for kind in ("entry", "return") if len(functions(compiled, kind)) >= WORTHWHILE]
    if many:
        ftrace.remove_stale()
    graph = "return" in many and not _ask_where(compiled)
    if graph and (found := features.graph_tracer(address_of, machine.types, cpus)):
        if (used := features.uses_ftrace()) is None:
            return {kind: found[kind] for kind in many}
        note(f"each return gets a kprobe, which takes longer, because somebody uses ftrace: {TRACEFS}/{used}")
    if "entry" in many and (address := features.function_tracer(address_of, cpus)):
        return {"entry": address}
    return {}


def functions(compiled: Compiled, kind: str) -> dict[int, None]:
    """The ids of the entry probes of the functions that are enabled at their entry, or at their return, in order."""
    probes = (probe for matched in compiled.clauses for some in matched.probes for probe in some)
    return {entry_id(probe): None for probe in probes if probe.provider == "fbt" and probe.name == kind}


def _ask_where(compiled: Compiled) -> bool:
    """Whether a clause at returns of functions asks where they were left, or for the stack there. Clauses of ERROR run there too,
    but their arg0 is another."""
    for matched in compiled.clauses:
        probes = [probe for some in matched.probes for probe in some]
        asks = _ASKS_WHERE.intersection(_names(matched.clause))
        if asks and any(probe.provider == "fbt" and probe.name == "return" for probe in probes):
            return True
        if asks - {"arg0"} and ERROR in probes:
            return True
    return False


def _names(clause: Clause) -> Iterator[str]:
    """The built-in variables that a clause reads, and "stack" if it takes the kernel's."""
    left: list[object] = [clause]
    while left:
        part = left.pop()
        match part:
            case typed.Read(builtin=builtin) | typed.Element(builtin=builtin):
                yield builtin.name
            case typed.Argument(index=index):
                yield f"arg{index}"
            case acts.StackKey():
                yield "stack"
        if isinstance(part, tuple):
            left += part
        elif isinstance(part, typed.Typed | typed.Member | acts.Act | acts.RecordedKey):
            left += values(part)
