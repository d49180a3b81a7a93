"""From matched clauses to a program for this kernel: addresses, tables, C."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing

from dtrace_py import buffers, mechanism
from dtrace_py.codegen import unit as units
from dtrace_py.codegen.environment import Target
from dtrace_py.codegen.layout import Unit
from dtrace_py.codegen.plan import Plan, make_plan
from dtrace_py.codegen.tables import Tables, make_tables
from dtrace_py.errors import DtpyError, counted
from dtrace_py.kernel import features
from dtrace_py.kernel.features import FunctionLinks
from dtrace_py.kernel.machine import Machine
from dtrace_py.kernel.text import Points, Text, points
from dtrace_py.lang.tables.variables import PROBE_NAMES
from dtrace_py.later import waiting
from dtrace_py.options import Options
from dtrace_py.programs import Compiled
from dtrace_py.providers.dtrace import END
from dtrace_py.providers.fbt import KINDS, entry_id, function_place
from dtrace_py.record import changed, record
from dtrace_py.runtime import ftrace

_PATCHED = 4
"""ftrace knows functions by their patched call, at most so far behind their beginning: there may be endbr64 (x86-64)."""

_NAMES = frozenset({"id", *PROBE_NAMES})


@record
class Prepared:
    """A program ready to load, and what it is to be attached to."""

    plan: Plan
    addresses: dict[int, int]
    """Of the enabled functions, by the id of their entry probe."""
    extents: dict[int, tuple[int, int]]
    """The address, and that of the last probe in the function, by the same."""
    points: dict[int, Points]
    """Where kprobes go in those of these functions that have any, by the same."""
    linkable: FunctionLinks | None
    """How functions can be attached; None when there are none."""
    traced: dict[str, int]
    """Of kinds of probes in functions that come through ftrace, the address of what it calls."""
    tables: Tables
    unit: Unit
    cpus: int
    """One more than the largest CPU number."""
    bufsize: int
    """Bytes of the buffer of a CPU: what was asked for, or less."""
    dynvarsize: int = 0
    """Bytes of each dynamic variable, likewise."""

    @property
    def ring_bytes(self) -> int:
        """Bytes of a CPU's ring."""
        return buffers.ring_bytes(self.bufsize)

    @property
    def multi(self) -> bool:
        """Whether functions are attached by a link rather than by kprobe events."""
        return self.linkable is not None and self.linkable.multi


def prepare(
    compiled: Compiled,
    machine: Machine,
    options: Options,
    probing: bool,
    note: Callable[[str], object],
    before: Prepared | None = None,
) -> Prepared:
    """Resolve and generate. Without ``probing``, nothing is tried out: the code is what the newest kernels would get.

    ``note`` hears what had to be left out. With ``before``, a unit that joins one that is loaded: for probes that it does not
    have, with the same rings and variables. Raises DtpyError where the kernel cannot do what is asked.
    """
    addresses = _addresses(compiled, machine, note)
    linkable = before.linkable if before else None
    if addresses and linkable is None:
        linkable = features.function_links(next(iter(addresses.values()))) if probing else FunctionLinks(True, True)
    kprobes = linkable is not None and not linkable.multi
    traced = mechanism.through_ftrace(compiled, machine, note) if kprobes and not before else {}
    points = _points(compiled, machine, addresses, traced, note) if kprobes else {}
    matches = ((matched.clause, matched.probes) for matched in compiled.clauses)
    plan = make_plan(matches, waiting(compiled, machine.fbt), before.plan if before else None)
    patched = _PATCHED if traced else 0
    extents = {key: (address, _last(address, points.get(key)) + patched) for key, address in addresses.items()}
    tables = make_tables(plan, extents, bool(compiled.program.builtins & _NAMES))
    session = linkable is not None and linkable.session and plan.needs_session
    status = machine.compat_status() if tables.syscalls else None
    shape = tables.shape(session, kprobes, traced, skip_entry_frame=True, status_offset=status)
    cpus = before.cpus if before else max(machine.online) + 1
    bufsize, dynvarsize = options.number("bufsize"), options.number("dynvarsize")
    if before:
        bufsize, dynvarsize = before.bufsize, before.dynvarsize
    elif probing:
        bufsize = buffers.fitting(options, cpus, machine.available_memory)
        dynvarsize = buffers.fitting_variables(options, machine.available_memory)
    target = _target(machine, options, cpus, bufsize, dynvarsize)
    if before:
        target = changed(target, ring_slack=before.unit.slack)
    unit = units.generate(compiled.program, plan, shape, target)
    return Prepared(plan, addresses, extents, points, linkable, traced, tables, unit, cpus, bufsize, dynvarsize)


def _addresses(compiled: Compiled, machine: Machine, note: Callable[[str], object]) -> dict[int, int]:
    """Addresses by the id of the entry probe. Functions whose address cannot be told are taken out of the matches."""
    found: dict[int, int] = {}
    lost: dict[int, str] = {}
    for matched in compiled.clauses:
        for probes in matched.probes:
            for probe in probes:
                if probe.provider == "fbt" and (key := entry_id(probe)) not in found and key not in lost:
                    address = machine.addresses.of(function_place(probe))
                    if address is None:
                        lost[key] = probe.function
                    else:
                        found[key] = address
            if lost:
                probes[:] = [p for p in probes if p.provider != "fbt" or entry_id(p) not in lost]
    if lost:
        names = " ".join(sorted(set(lost.values())))
        note(f"left out {counted(len(lost), 'function')}, the kernel does not tell where they are: {names}")
    return found


def _points(
    compiled: Compiled,
    machine: Machine,
    addresses: dict[int, int],
    traced: Collection[str],
    note: Callable[[str], object],
) -> dict[int, Points]:
    """Where kprobes go in functions, for the kinds that are not ``traced``. Return probes of functions that nothing leaves are
    taken out of the matches."""
    symbols = machine.symbols
    probed = {key for kind in KINDS if kind not in traced for key in mechanism.functions(compiled, kind)}
    with closing(Text()) as text:
        found = {
            key: points(text.read(at, symbols.end(at) - at), at, symbols.return_thunks, symbols.is_separate)
            for key, at in addresses.items()
            if key in probed
        }
    endless: set[str] = set()
    if "return" in traced:
        return found
    for matched in compiled.clauses:
        for probes in matched.probes:
            without = [
                p for p in probes if p.provider == "fbt" and p.name == "return" and not found[entry_id(p)].leaving
            ]
            if without:
                endless.update(probe.function for probe in without)
                left_out = {probe.id for probe in without}
                probes[:] = [probe for probe in probes if probe.id not in left_out]
    if endless:
        note(
            f"left out returns of {counted(len(endless), 'function')}, none of which returns: {' '.join(sorted(endless))}"
        )
    return found


def _last(address: int, points: Points | None) -> int:
    return max(address, points.entry, *points.leaving) if points else address


def _target(machine: Machine, options: Options, cpus: int, bufsize: int, dynvarsize: int) -> Target:
    return Target(
        cpus=cpus,
        ring_bytes=buffers.ring_bytes(bufsize),
        dynamic_bytes=dynvarsize,
        aggregation_bytes=options.number("aggsize"),
        strsize=options.number("strsize"),
        only_cpu=options.optional("cpu"),
        offset=machine.types.offset,
        size=machine.types.bytes_of,
        preempt_count=machine.preempt_count,
        per_cpu_offsets=machine.per_cpu_offsets,
        places=machine.places,
        scratchsize=options.number("scratchsize"),
        bufpolicy=options.word("bufpolicy"),
        speculations=options.number("nspec"),
        speculation_bytes=options.number("specsize"),
        temporal=options.flag("temporal"),
        maxframes=options.number("maxframes"),
        pcapsize=options.number("pcapsize"),
        pages=machine.pages,
        instance=ftrace.instance(),
    )


def check(made: Prepared, options: Options) -> None:
    """Raise DtpyError for what is known to go wrong before anything is loaded: no permission, too small a buffer."""
    if made.unit.destructive and not options.flag("destructive"):
        raise DtpyError("could not enable tracing: Destructive actions not allowed")
    if made.unit.panics and not options.flag("panic"):
        raise DtpyError("could not enable tracing: panic( ) takes the machine down: -x panic allows it")
    sizes = {number: layout.size for number, layout in made.unit.clauses.items()}
    at_end = [sizes[each.number] for each in made.plan.enablings if END.id in each.probes]
    buffers.check(options, made.bufsize, sizes.values(), at_end)
