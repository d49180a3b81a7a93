"""From a plan to links: what each kind of probe is attached with, and how many links that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from dtrace_py.codegen.plan import Plan
from dtrace_py.codegen.tables import Tables
from dtrace_py.errors import DtpyError
from dtrace_py.kernel import bpf, perf
from dtrace_py.kernel.features import FunctionLinks
from dtrace_py.kernel.text import Points
from dtrace_py.providers.fbt import entry_id
from dtrace_py.providers.probe import Probe
from dtrace_py.record import record
from dtrace_py.runtime import ftrace, kprobes, links, multi
from dtrace_py.runtime.kprobes import Place, Progress
from dtrace_py.runtime.links import Timer
from dtrace_py.runtime.tracer import Tracer


@record
class Functions:
    """Where the enabled functions are, by the id of their entry probe; ``written`` is how a kprobe event names an address."""

    addresses: Mapping[int, int]
    points: Mapping[int, Points]
    written: Callable[[int], str]
    traced: Mapping[str, int]
    """Of kinds of probes that come through ftrace, the address of what it calls."""

    def place(self, probe: Probe) -> Place:
        """Where a probe's kprobes go."""
        key = entry_id(probe)
        points = self.points[key]
        if probe.name == "return":
            return Place(probe.function, tuple(map(self.written, points.leaving)))
        return Place(probe.function, (self.written(points.entry),), self.written(self.addresses[key]))


@dataclass(slots=True)
class Attached:
    """What was attached: how, with how many links; the timers, and their events, which are still to be started."""

    mechanisms: list[str] = field(default_factory=list)
    links: int = 0
    timers: list[Timer] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    breakpoints: list[int] = field(default_factory=list)
    """Events that many functions come through, and that slow them all down."""
    function_links: list[int] = field(default_factory=list)
    by_events: bool = False
    """Whether functions are attached by perf events, whose losses the kernel does not tell."""
    refused: int = 0
    """Functions that the kernel turned out not to take, though it lists them."""

    def add(self, mechanism: str, count: int = 1) -> None:
        if mechanism not in self.mechanisms:
            self.mechanisms.append(mechanism)
        self.links += count

    def add_functions(self, link: int, refused: int) -> None:
        self.function_links.append(link)
        self.refused += refused

    def quieten(self) -> None:
        """Let functions run at their own speed again, as far as that is quickly done. The gate is shut."""
        for event in self.breakpoints:
            perf.disable(event)

    def missed(self) -> int | None:
        """Firings of functions that the kernel has lost so far; None where it does not tell."""
        counts = [None] if self.by_events else [bpf.link_missed(link) for link in self.function_links]
        return None if None in counts else sum(filter(None, counts))


@contextmanager
def attach(
    plan: Plan,
    tables: Tables,
    tracer: Tracer,
    features: FunctionLinks | None,
    functions: Functions,
    cpus: Sequence[int],
    progress: Progress,
) -> Iterator[Attached]:
    """Attach everything that the plan enables; all of it is let go at the end of the block."""
    with ExitStack() as stack:
        attached = Attached()
        try:
            if features is not None:
                _attach_functions(stack, attached, plan, tracer, features, functions, cpus, progress)
            _attach_tracepoints(stack, attached, tracer)
            if tables.timers:
                _attach_timers(stack, attached, tables, tracer, cpus)
        except OSError as error:
            raise DtpyError(f"could not enable tracing: {error.strerror}") from error
        yield attached


_TRACEPOINTS = {
    "syscall_entry": "sys_enter",
    "syscall_return": "sys_exit",
    "vtime": "sched_switch",
    "thread_end": "sched_process_free",
}
"""The raw tracepoint of each program that needs one."""


def _attach_tracepoints(stack: ExitStack, attached: Attached, tracer: Tracer) -> None:
    for name, tracepoint in _TRACEPOINTS.items():
        if name in tracer.programs:
            program = tracer.module.load(tracer.programs[name])
            stack.enter_context(links.raw_tracepoint(program, tracepoint))
            attached.add("raw tracepoint")


def _attach_timers(stack: ExitStack, attached: Attached, tables: Tables, tracer: Tracer, cpus: Sequence[int]) -> None:
    attached.timers = [
        Timer(cpus[:1] if tick else cpus, interval, tick)
        for probe, interval, _ in tables.timers
        for tick in [probe.name.startswith("tick-")]
    ]
    program = tracer.module.load(tracer.programs["profile"])
    attached.events += stack.enter_context(links.timers(program, attached.timers))
    attached.add("perf event", len(attached.events))


def _attach_functions(
    stack: ExitStack,
    attached: Attached,
    plan: Plan,
    tracer: Tracer,
    features: FunctionLinks,
    functions: Functions,
    cpus: Sequence[int],
    progress: Progress,
) -> None:
    by_kind: dict[str, list[Probe]] = {}
    for probe in plan.of_provider("fbt"):
        by_kind.setdefault(probe.name, []).append(probe)
    load = {name: tracer.module.load(each, features.multi) for name, each in tracer.programs.items()}
    if not features.multi:
        attached.by_events = True
        traced = {kind: by_kind.pop(kind) for kind in functions.traced}
        if by_kind:
            programs = {kind: load[f"fbt_{kind}"] for kind in by_kind}
            places = {kind: [functions.place(probe) for probe in probes] for kind, probes in by_kind.items()}
            made = stack.enter_context(kprobes.attached(programs, places, progress))
            attached.refused = made.refused
            attached.add("kprobe events", made.events)
        if traced:  # behind the kprobes, and gone before them, because breakpoints make both slower
            programs = {kind: load[f"ftrace_{kind}"] for kind in traced}
            attached.breakpoints = stack.enter_context(ftrace.attached(programs, functions.traced, traced, cpus))
            attached.add("graph tracer" if "return" in traced else "function tracer")
        return
    addresses = {kind: [functions.addresses[entry_id(probe)] for probe in probes] for kind, probes in by_kind.items()}
    if "fbt" in load:
        both = list(dict.fromkeys(address for each in addresses.values() for address in each))
        attached.add_functions(*stack.enter_context(multi.attached(load["fbt"], both, session=True, returns=False)))
        attached.add("kprobe session link")
    else:
        for kind, each in addresses.items():
            link = multi.attached(load[f"fbt_{kind}"], each, session=False, returns=kind == "return")
            attached.add_functions(*stack.enter_context(link))
            attached.add("kprobe multi link")
