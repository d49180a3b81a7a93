"""From a plan to links: what each kind of probe is attached with, and how many links that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from dtrace_py.codegen.plan import Plan
from dtrace_py.codegen.tables import Tables
from dtrace_py.errors import DtpyError
from dtrace_py.kernel import bpf
from dtrace_py.kernel.features import FunctionLinks
from dtrace_py.providers.fbt import entry_id
from dtrace_py.runtime import functions, links
from dtrace_py.runtime.links import Timer
from dtrace_py.runtime.tracer import Tracer


@dataclass(slots=True)
class Attached:
    """What was attached: how, with how many links; the timers, and their events, which are still to be started."""

    mechanisms: list[str] = field(default_factory=list)
    links: int = 0
    timers: list[Timer] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    function_links: list[int] = field(default_factory=list)
    by_events: bool = False
    """Whether functions are attached by kprobe events, whose losses the kernel does not tell."""
    refused: int = 0
    """Functions that the kernel turned out not to take, though it lists them."""

    def add(self, mechanism: str, count: int = 1) -> None:
        if mechanism not in self.mechanisms:
            self.mechanisms.append(mechanism)
        self.links += count

    def add_functions(self, link: int, refused: int) -> None:
        self.function_links.append(link)
        self.refused += refused

    def missed(self) -> int | None:
        """Firings of functions that the kernel has lost so far; None where it does not tell."""
        counts = [None] if self.by_events else [bpf.link_missed(link) for link in self.function_links]
        return None if None in counts else sum(filter(None, counts))


def check_limit(plan: Plan, features: FunctionLinks) -> None:
    """Raise DtpyError where the kernel's way to attach to functions does not scale to this plan."""
    count = len({entry_id(probe) for probe in plan.of_provider("fbt")})
    if not features.multi and count > functions.EVENT_LIMIT:
        raise DtpyError(
            f"could not enable tracing: this kernel has no fprobe (CONFIG_FPROBE), without which fbt can enable "
            f"{functions.EVENT_LIMIT} functions at a time; {count} match"
        )


@contextmanager
def attach(
    plan: Plan,
    tables: Tables,
    tracer: Tracer,
    features: FunctionLinks | None,
    addresses: Mapping[int, int],
    point: Callable[[int], str],
    cpus: Sequence[int],
) -> Iterator[Attached]:
    """Attach everything that the plan enables; all of it is let go at the end of the block.

    ``point`` gives the kernel's way to write a function's address in a kprobe event.
    """
    with ExitStack() as stack:
        attached = Attached()
        try:
            if features is not None:
                _attach_functions(stack, attached, plan, tracer, features, addresses, point)
            _attach_tracepoints(stack, attached, tracer)
            if tables.timers:
                _attach_timers(stack, attached, tables, tracer, cpus)
        except OSError as error:
            raise DtpyError(f"could not enable tracing: {error.strerror}") from error
        yield attached


_TRACEPOINTS = {"syscall_entry": "sys_enter", "syscall_return": "sys_exit", "vtime": "sched_switch"}
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
    addresses: Mapping[int, int],
    point: Callable[[int], str],
) -> None:
    by_kind: dict[str, list[int]] = {}
    for probe in plan.of_provider("fbt"):
        by_kind.setdefault(probe.name, []).append(addresses[entry_id(probe)])
    load = {name: tracer.module.load(each, features.multi) for name, each in tracer.programs.items()}
    if "fbt" in load:
        both = dict.fromkeys(address for kind in by_kind.values() for address in kind)
        attached.add_functions(
            *stack.enter_context(functions.multi(load["fbt"], list(both), session=True, returns=False))
        )
        attached.add("kprobe session link")
    elif features.multi:
        for kind, each in by_kind.items():
            made = functions.multi(load[f"fbt_{kind}"], each, session=False, returns=kind == "return")
            attached.add_functions(*stack.enter_context(made))
            attached.add("kprobe multi link")
    else:
        attached.by_events = True
        programs = {kind: load[f"fbt_{kind}"] for kind in by_kind}
        points = {kind: list(map(point, each)) for kind, each in by_kind.items()}
        count, attached.refused = stack.enter_context(functions.events(programs, points))
        attached.add("kprobe events", count)
