"""The life of one run: compile, list or load, attach, go, consume, stop, report."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dtrace_py import programs, verbose
from dtrace_py.codegen import unit as units
from dtrace_py.codegen.environment import Target
from dtrace_py.codegen.layout import Unit
from dtrace_py.codegen.plan import Plan
from dtrace_py.codegen.tables import Tables, make_tables
from dtrace_py.consumer.consumer import Consumer, Style
from dtrace_py.consumer.drops import Drops
from dtrace_py.consumer.store import Store
from dtrace_py.errors import DtpyError
from dtrace_py.job import Job, Mode
from dtrace_py.kernel import bpf, features, perf
from dtrace_py.kernel.features import FunctionLinks
from dtrace_py.kernel.machine import Machine
from dtrace_py.output.aggregations import Order
from dtrace_py.output.listing import list_probes
from dtrace_py.output.progress import progress
from dtrace_py.output.sink import Sink
from dtrace_py.programs import Compiled
from dtrace_py.providers.fbt import entry_id, function_place
from dtrace_py.runtime import attach as attaching
from dtrace_py.runtime.aggregations import KernelAggregation
from dtrace_py.runtime.attach import Attached
from dtrace_py.runtime.report import Report, accounting
from dtrace_py.runtime.tracer import Tracer, load

NAP = 0.05
"""Seconds between looks at the rings while nothing is known to be there."""

_BUSY = 1 / 8
"""A ring fuller than this is read again at once."""

_NAMES = frozenset({"id", "probeprov", "probemod", "probefunc", "probename"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is to be attached, and how: the plan, functions' addresses by the id of the entry probe, what the kernel can
    link (None without functions), and the tables of the program."""

    plan: Plan
    addresses: dict[int, int]
    linkable: FunctionLinks | None
    tables: Tables


class Session:
    """One run of the command. ``complain`` prints a message on standard error behind the command's name."""

    def __init__(self, job: Job, machine: Machine, stdout: BinaryIO, complain: Callable[[str], object]) -> None:
        self.job = job
        self.options = job.options
        self.machine = machine
        self.stdout = stdout
        self.complain = complain

    def run(self) -> int:
        """Do what the job asks for; returns the exit status."""
        with self._output() as sink:
            if self.job.mode is Mode.LIST:
                return self._list(sink)
            if self.job.mode is Mode.TRACE:
                features.require_root()
            compiled = self._compile()
            if self.job.verbose:
                verbose.stability(compiled, self.machine.providers, self.job.mode is Mode.COMPILE, sink.write)
                sink.flush()
            if self.job.mode is Mode.COMPILE:
                self._show_code(compiled)
                return 0
            return self._trace(compiled, sink)

    @contextmanager
    def _output(self) -> Iterator[Sink]:
        if self.job.output is None:
            yield Sink(self.stdout, "stdout")
            return
        try:
            with open(self.job.output, "ab") as file:
                yield Sink(file, self.job.output)
        except OSError as error:
            raise DtpyError(f"failed to open output file '{self.job.output}'") from error

    # Before tracing

    def _list(self, sink: Sink) -> int:
        features.require_root()
        compiled = self._compile()
        list_probes(compiled, self.machine.providers, self.job.verbose, sink, self.complain)
        return 0

    def _compile(self) -> Compiled:
        with progress("compiling and resolving probes"):
            return programs.compile_job(self.job, self.machine.types, self.machine.providers)

    def _show_code(self, compiled: Compiled) -> None:
        if self.job.show_code:
            print(self._generate(compiled, self._resolve(compiled, probing=False)).text, file=sys.stderr)

    # Loading

    def _resolve(self, compiled: Compiled, probing: bool) -> Resolved:
        """Where the enabled functions are, how they can be attached to, and the tables that programs look in."""
        addresses = self._addresses(compiled)
        plan = compiled.plan()
        linkable = None
        if addresses:
            # Without probing, code is shown as the newest kernels would run it.
            linkable = features.function_links(next(iter(addresses.values()))) if probing else FunctionLinks(True, True)
            attaching.check_limit(plan, linkable)
        tables = make_tables(plan, addresses, bool(compiled.program.builtins & _NAMES))
        return Resolved(plan, addresses, linkable, tables)

    def _addresses(self, compiled: Compiled) -> dict[int, int]:
        """Addresses by the id of the entry probe. Functions whose address cannot be told are taken out of the matches."""
        found: dict[int, int] = {}
        lost: dict[int, str] = {}
        for matched in compiled.clauses:
            for probes in matched.probes:
                for probe in probes:
                    if probe.provider == "fbt" and (key := entry_id(probe)) not in found and key not in lost:
                        address = self.machine.addresses.of(function_place(probe))
                        if address is None:
                            lost[key] = probe.function
                        else:
                            found[key] = address
                if lost:
                    probes[:] = [p for p in probes if p.provider != "fbt" or entry_id(p) not in lost]
        if self.job.verbose and lost:
            names = " ".join(sorted(set(lost.values())))
            self.complain(f"left out {len(lost)} functions, the kernel does not tell where they are: {names}")
        return found

    def _generate(self, compiled: Compiled, resolved: Resolved) -> Unit:
        linkable, tables = resolved.linkable, resolved.tables
        session = linkable is not None and linkable.session and attaching.needs_session(resolved.plan)
        status = self.machine.compat_status() if tables.syscalls else None
        shape = tables.shape(session, skip_entry_frame=True, status_offset=status)
        return units.generate(compiled.program, resolved.plan, shape, self._target())

    def _target(self) -> Target:
        return Target(
            cpus=max(self.machine.online) + 1,
            ring_bytes=self._ring_bytes(),
            dynamic_bytes=self.options.number("dynvarsize"),
            aggregation_bytes=self.options.number("aggsize"),
            strsize=self.options.number("strsize"),
            only_cpu=self.options.optional("cpu"),
            offset=self.machine.types.offset,
            preempt_count=self.machine.preempt_count,
        )

    def _ring_bytes(self) -> int:
        """The size of a ring: bufsize rounded up to a power of two, at least a page."""
        return max(4096, 1 << (self.options.number("bufsize") - 1).bit_length())

    # Tracing

    def _announce(self, compiled: Compiled) -> None:
        """How many probes each program matched (U50, U51); an error if there is nothing to do (U66)."""
        total = 0
        for source, clauses in compiled.sources:
            count = sum(len(probes) for matched in clauses for probes in matched.probes)
            total += count
            if not self.options.flag("quiet"):
                what = f"script '{source.path}'" if source.is_script else f"description '{source.title}'"
                self.complain(f"{what} matched {count} probe{'' if count == 1 else 's'}")
        if total == 0 and not self.options.flag("zdefs"):
            raise DtpyError("no probes matched" if compiled.sources else "no probes specified")

    def _trace(self, compiled: Compiled, sink: Sink) -> int:
        report = Report(self.machine.release, len(self.machine.online))
        with ExitStack() as stack:
            with progress("resolving functions"):
                resolved = self._resolve(compiled, probing=True)
            self._announce(compiled)
            if self.job.verbose:
                verbose.left_out(compiled, self.machine.providers, self.complain)
            unit = self._generate(compiled, resolved)
            if self.job.show_code:
                print(unit.text, file=sys.stderr)
            self._check_buffer(unit)
            with progress("compiling and loading"):
                multi = resolved.linkable is not None and resolved.linkable.multi
                loading = load(unit, resolved.plan, resolved.tables, self._ring_bytes(), multi)
                tracer = stack.enter_context(loading)
            status = Run(self, resolved, tracer, sink).go(report)
        self._report(report)
        return status

    def _check_buffer(self, unit: Unit) -> None:
        """X25: the largest record must fit the buffer."""
        largest = max((layout.size for layout in unit.clauses.values()), default=0)
        if largest > self.options.number("bufsize"):
            raise DtpyError("could not enable tracing: Enabling exceeds size of buffer")

    def _report(self, report: Report) -> None:
        if self.options.flag("teardownreport"):
            self.complain(report.teardown())
        if self.job.report is not None:
            try:
                report.write(Path(self.job.report))
            except OSError as error:
                raise DtpyError(f"failed to write report '{self.job.report}': {error.strerror}") from error


class Run:
    """Tracing itself, from attaching to the last counter."""

    def __init__(self, session: Session, resolved: Resolved, tracer: Tracer, sink: Sink) -> None:
        self.session = session
        self.options = session.options
        self.machine = session.machine
        self.resolved = resolved
        self.tracer = tracer
        self.sink = sink
        self.complain = session.complain
        kernel = [KernelAggregation(a, tracer.module.map_fd, self.machine.possible) for a in tracer.unit.aggregations]
        lookup = self.machine.symbols.find
        self.store = Store(kernel, lookup, self._order, lambda: self.options.number("stackindent"))
        self.consumer = Consumer(tracer.unit, resolved.plan, tracer.rings, self.store, sink, lookup, self.complain)
        self.drops = Drops(tracer.rings, tracer.frames, lambda: self.options.flag("droptags"), self.complain)
        self.signals = Signals()

    def go(self, report: Report) -> int:
        """Attach, trace until something ends it, print, let go. Returns the exit status."""
        traced = [probe for probe in self.resolved.plan.probes if probe.provider != "dtrace"]
        report.probes = len(traced)
        report.functions = len(self.resolved.addresses)
        cpu = self.options.optional("cpu")
        cpus = self.machine.online if cpu is None else [cpu]
        with self.signals, ExitStack() as links:
            with report.attach.measured(), progress(f"attaching {len(traced)} probes"):
                attached = links.enter_context(self._attach(cpus))
            report.links, report.mechanism = attached.links, ", ".join(attached.mechanisms) or "none"
            self._begin(attached)
            self._follow()
            self._end()
            with report.detach.measured(), progress(f"letting go of {len(traced)} probes"):
                links.close()
            bpf.wait_for_programs()
            self._account(report)
        return self.consumer.exit_status or 0

    def _attach(self, cpus: Sequence[int]) -> AbstractContextManager[Attached]:
        where = self.resolved
        return attaching.attach(where.plan, where.tables, self.tracer, where.linkable, where.addresses, cpus)

    def _begin(self, attached: Attached) -> None:
        """BEGIN, alone; then the gate opens, unless BEGIN called exit()."""
        if self.options.flag("destructive") and not self.options.flag("quiet"):
            self.complain("allowing destructive actions")
        self.options.active = True
        self._start_timers(attached)
        self.tracer.fire("begin")
        self._consume()
        if self.consumer.exit_status is None:
            self.tracer.control.open_gate()

    def _start_timers(self, attached: Attached) -> None:
        """A timer fires first one whole interval from now (V74)."""
        if self.tracer.timers is None:
            return
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        for number, timer in enumerate(attached.timers):
            self.tracer.timers.words[2 * number] = timer.interval if timer.waits else 0
            self.tracer.timers.words[2 * number + 1] = now + timer.interval
        for event in attached.events:
            perf.enable(event)

    def _follow(self) -> None:
        """Consume until exit() or a signal."""
        control = self.tracer.control
        status_due = aggregate_due = switch_due = time.monotonic()
        while control.open:
            if self.signals.wait(0 if self._busy() else NAP):
                self.sink.write("\n")  # U77
                self.sink.flush()
                return
            now = time.monotonic()
            control.set_clock()
            if now >= switch_due or self._busy():
                switch_due = now + (self.options.optional("switchrate") or 0) / 1e9
                self._consume()
            if now >= aggregate_due and self.tracer.unit.aggregations:
                aggregate_due = now + self.options.number("aggrate") / 1e9
                self.store.new_pass()
                self.store.refresh()
            if now >= status_due:
                status_due = now + self.options.number("statusrate") / 1e9
                self.drops.report()

    def _busy(self) -> bool:
        return any(self.tracer.rings.fill(cpu) > _BUSY for cpu in self.machine.online)

    def _end(self) -> None:
        """The gate shuts, what is under way ends, everything is printed; END comes last."""
        self.tracer.control.shut_gate()
        bpf.wait_for_programs()
        self._consume()
        self.consumer.ending()
        if not self.signals.impatient:
            self.tracer.fire("end")
            self._consume()
        self.consumer.ended()
        self.drops.report()
        self.sink.write("\n")  # U76
        if not self.signals.impatient:
            self.store.new_pass()
            self.sink.write(self.store.remaining())
        self.sink.flush()

    def _consume(self) -> None:
        style = Style(
            self.options.flag("quiet"), self.options.flag("flowindent"), self.options.number("stackindent")
        )
        self.consumer.consume(range(self.tracer.rings.cpus), style, lambda: self.signals.impatient)

    def _order(self) -> Order:
        return Order(
            self.options.flag("aggsortkey"),
            self.options.flag("aggsortrev"),
            self.options.number("aggsortkeypos"),
            self.options.number("aggsortpos"),
        )

    def _account(self, report: Report) -> None:
        frames, consumed = self.tracer.frames, self.consumer.consumed
        per_cpu = [{"cpu": cpu, **accounting(frames.total([cpu]), consumed[cpu])} for cpu in range(frames.cpus)]
        total = accounting(frames.total(), sum(consumed))
        report.records = {**total, "missed": self.tracer.misses(), "per_cpu": per_cpu}


class Signals:
    """SIGINT and SIGTERM while tracing: they wait until they are asked for. Those ignored on entry stay ignored (U77)."""

    def __init__(self) -> None:
        wanted = {signal.SIGINT, signal.SIGTERM}
        self._watched = {number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN}
        self._before: set[signal.Signals] = set()
        self._seen = 0

    def __enter__(self) -> Signals:
        self._before = {signal.Signals(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, self._watched)}
        return self

    def __exit__(self, *_: object) -> None:
        while signal.sigtimedwait(self._watched, 0) is not None:
            pass  # what came too late to matter would otherwise end the process now
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def wait(self, seconds: float) -> bool:
        """Sleep, but not beyond a signal; whether there was one."""
        if not self._watched:
            time.sleep(seconds)
            return False
        if signal.sigtimedwait(self._watched, seconds) is not None:
            self._seen += 1
        return self._seen > 0

    @property
    def impatient(self) -> bool:
        """Whether a second signal came: what is not printed yet is abandoned."""
        self.wait(0)
        return self._seen > 1
