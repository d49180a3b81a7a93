"""Tracing itself, from attaching to the last counter: attach, go, consume, stop, let go."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from dtrace_py import rates
from dtrace_py.consumer.consumer import Consumer
from dtrace_py.consumer.drops import Drops
from dtrace_py.consumer.store import Store
from dtrace_py.consumer.style import style_of
from dtrace_py.errors import DtpyError, counted
from dtrace_py.kernel import bpf, perf
from dtrace_py.kernel.machine import Machine
from dtrace_py.latecomers import Latecomers
from dtrace_py.options import Options
from dtrace_py.output.aggregations import Order
from dtrace_py.output.look import look_of
from dtrace_py.output.progress import debugging, progress
from dtrace_py.output.sink import Sink
from dtrace_py.output.values import Lookup
from dtrace_py.prepare import Prepared
from dtrace_py.process.targets import Targets
from dtrace_py.runtime import attach as attaching
from dtrace_py.runtime import background, crash
from dtrace_py.runtime.aggregations import KernelAggregation
from dtrace_py.runtime.attach import Attached, Functions
from dtrace_py.runtime.kprobes import Progress
from dtrace_py.runtime.report import Report, accounting
from dtrace_py.runtime.signals import Signals
from dtrace_py.runtime.tracer import Tracer

NAP = 0.05
"""Seconds between looks at the rings while nothing is known to be there."""

_BUSY = 1 / 8
"""A ring fuller than this is read again at once."""

_NEVER = float("inf")

_LONG = 10
"""Seconds of attaching that a user is warned of."""


class Run:
    """Tracing itself, from attaching to the last counter."""

    def __init__(
        self,
        prepared: Prepared,
        tracer: Tracer,
        machine: Machine,
        options: Options,
        sink: Sink,
        complain: Callable[[str], object],
        latecomers: Latecomers,
        targets: Targets | None = None,
    ) -> None:
        self.latecomers = latecomers
        self.prepared = prepared
        self.tracer = tracer
        self.machine = machine
        self.options = options
        self.sink = sink
        self.complain = complain
        self.targets = targets or Targets([])
        self.processes = machine.processes
        self.processes.target = self.targets.first
        self.processes.resolves = not options.flag("noresolve")
        lookup = Lookup(self.machine.symbols.find, self.processes)
        self.store = Store(
            self._aggregations(tracer),
            lookup,
            self._order,
            lambda: self.options.number("stackindent"),
            lambda: look_of(options),
        )
        self.consumer = Consumer(
            tracer.unit, prepared.plan, tracer.rings, self.store, sink, lookup, self.complain, options
        )
        self.drops = Drops(
            tracer.rings, tracer.frames, lambda: self.options.flag("droptags"), self.complain, self.processes
        )
        self.signals = Signals()
        self._debug = debugging(options, complain)
        self.report = Report(machine.release, len(machine.online))
        self.attached: list[Attached] = []
        self.units, self.links = ExitStack(), ExitStack()
        """What is loaded, and what is attached, while tracing."""

    def go(self, report: Report) -> int:
        """Attach, trace until something ends it, print, let go. Returns the exit status."""
        self.report = report
        with self.signals, self.units, self.links as links:
            self.attach(self.prepared, self.tracer)
            gc.enable()
            with self.signals.watched(lambda: self._shut(report)):
                self._begin()
                missed = self._missed()
                self._follow()
                self._end(report)
            self.targets.leave()
            missed = _grown(missed, self._missed())
            status = self.consumer.exit_status or 0
            if self.options.word("detach") == "background":
                report.prompt_seconds = report.since_stop()
                background.go_on(status)
            with report.detach.measured(), progress(f"letting go of {report.probes} probes", self._debug):
                links.close()
            report.restored_seconds = report.since_stop()
            bpf.wait_for_programs()
            self._account(report, missed)
        return status

    def join(self, made: Prepared, tracer: Tracer) -> None:
        """From here on what a further unit records, counts and aggregates is part of this run."""
        self.tracer.join(tracer)
        self.store.learn(self._aggregations(tracer))
        self.consumer.learn(tracer.unit, made.plan)

    def attach(self, made: Prepared, tracer: Tracer) -> None:
        """Attach the probes of a unit, until all is let go of; they are inert as long as the gate is shut."""
        report, probes = self.report, [probe for probe in made.plan.own if probe.provider != "dtrace"]
        with report.attach.measured(), progress(f"attaching {len(probes)} probes", self._debug) as tell:
            attached = self.links.enter_context(self._attach(made, tracer, tell))
        self.attached.append(attached)
        if attached.refused:
            self.complain(
                f"left out {counted(attached.refused, 'function')}, the kernel refuses probes there after all"
            )
        report.probes += len(probes)
        report.functions += len(made.addresses)
        report.links += attached.links
        report.mechanism = ", ".join(dict.fromkeys(each for one in self.attached for each in one.mechanisms)) or "none"

    def _aggregations(self, tracer: Tracer) -> list[KernelAggregation]:
        possible = self.machine.possible
        return [KernelAggregation(each, tracer.module.map_fd, possible) for each in tracer.unit.aggregations]

    def _missed(self) -> int | None:
        """What the kernel has kept from the programs so far; None where it does not tell."""
        total = self.tracer.kernel_counts().misses
        for attached in self.attached:
            if (missed := attached.missed()) is None:
                return None
            total += missed
        return total

    def _cpus(self) -> Sequence[int]:
        """The CPUs to trace on: all, or the one of option cpu."""
        cpu = self.options.optional("cpu")
        if cpu is not None and cpu not in self.machine.online:
            raise DtpyError(f"could not enable tracing: there is no CPU {cpu}")
        return self.machine.online if cpu is None else [cpu]

    def _attach(
        self, made: Prepared, tracer: Tracer, tell: Callable[[str], object]
    ) -> AbstractContextManager[Attached]:
        where = Functions(made.addresses, made.points, self.machine.symbols.probe_point, made.traced)

        def going_on(done: int, total: int) -> None:
            tell(f"attaching: {done} of {total} probes")
            if tracer is not self.tracer:  # the others are recording meanwhile
                self._consume(lambda: self.signals.wait(0))

        watched = Progress(going_on, self._expect, lambda: self.signals.wait(0))
        return attaching.attach(made.plan, made.tables, tracer, made.linkable, where, self._cpus(), watched)

    def _expect(self, seconds: float) -> None:
        if seconds > _LONG and not self.options.flag("quiet"):
            self.complain(f"this kernel attaches to functions one by one: about {seconds:.0f} s (Ctrl-C gives up)")

    def _begin(self) -> None:
        """BEGIN, alone; then the gate opens, unless BEGIN called exit()."""
        if self.options.flag("destructive") and not self.options.flag("quiet"):
            self.complain("allowing destructive actions")
        self.options.active = True
        self._start_timers(*self.attached)
        self.tracer.fire("begin")
        self._consume(self.signals.impatient)
        if not self.tracer.control.ended:
            self.tracer.control.open_gate()
            self.targets.release(self.processes.look_again)

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
        """Consume until exit(), a signal, or the end of all processes that were named."""
        self._consume_while_open()
        if self.signals.wait(0):
            self.sink.write("\n")  # U77
            self.sink.flush()

    def _consume_while_open(self) -> None:
        control = self.tracer.control
        status_due = aggregate_due = switch_due = clean_due = time.monotonic()
        cleaning = self._clean_interval()
        while control.open and not self.targets.ended(self._notice) and not self._interrupted(min(NAP, cleaning)):
            now = time.monotonic()
            control.set_clock()
            if now >= switch_due or self._busy():
                switch_due = now + (self.options.optional("switchrate") or 0) / 1e9
                self._consume(lambda: self.signals.wait(0))
            if now >= clean_due:
                clean_due = now + cleaning
                self._clean()
            if now >= aggregate_due and self.tracer.unit.aggregations:
                aggregate_due = now + self.options.number("aggrate") / 1e9
                self.store.new_pass()
                self.store.refresh()
            if now >= status_due:
                status_due = now + rates.interval(self.options, "statusrate") / 1e9
                self.drops.report()
                self.latecomers.look(self)

    def _clean_interval(self) -> float:
        """Seconds between looks at speculations that have ended on several CPUs (option cleanrate)."""
        if self.tracer.speculations is None:
            return _NEVER
        return rates.interval(self.options, "cleanrate") / 1e9

    def _clean(self) -> None:
        """Print what several CPUs have recorded in speculations that were committed, and let the ids be used again."""
        if self.tracer.speculations is None or not (waiting := list(self.tracer.speculations.waiting())):
            return
        abandoned = False

        def is_abandoned() -> bool:
            nonlocal abandoned
            abandoned = abandoned or self.signals.wait(0)
            return abandoned

        self._consume(is_abandoned)
        for speculation, committed in waiting:
            # An interrupted program may keep the mark of the commit() from being read for now.
            known = not committed or self.tracer.rings.read_at_end or self.consumer.kept.committed(speculation)
            if known and not abandoned:
                self.consumer.kept.free(speculation)
                self.tracer.speculations.free(speculation)

    def _notice(self, text: str) -> None:
        if not self.options.flag("quiet"):
            self.complain(text)

    def _interrupted(self, nap: float) -> bool:
        return self.signals.wait(0 if self._busy() else nap)

    def _busy(self) -> bool:
        return any(self.tracer.rings.fill(cpu) > _BUSY for cpu in self.machine.online)

    def _shut(self, report: Report) -> None:
        """Every probe is inert from here on. The first call counts: a signal's, from its own thread, or the end of tracing."""
        now, shut_gate = time.monotonic, self.tracer.control.shut_gate
        began = now()
        shut_gate()
        ended = now()
        if report.stopped_at is None:
            report.stopped_at, report.inert_seconds = began, ended - began

    def _end(self, report: Report) -> None:
        """The gate shuts, what is under way ends, everything is printed; END comes last."""
        self._shut(report)
        for attached in self.attached:
            attached.quieten()
        bpf.wait_for_programs()
        self.tracer.rings.release()
        self._consume(self.signals.impatient)
        self.consumer.ending()
        if not self.signals.impatient():
            self.tracer.fire("end")
            self._consume(self.signals.impatient)
        self.consumer.ended()
        self.drops.report()
        self.sink.write("\n")  # U76
        if not self.signals.impatient():
            self.store.new_pass()
            self.sink.write(self.store.remaining())
        self.sink.flush()
        report.results_seconds = report.since_stop()

    def _consume(self, abandoned: Callable[[], bool]) -> None:
        if self.tracer.control.panic:
            crash.panic()
        self.consumer.consume(self.tracer.reading_order(), style_of(self.options), abandoned)
        if self.consumer.failed:
            self.tracer.control.end()

    def _order(self) -> Order:
        return Order(
            self.options.flag("aggsortkey"),
            self.options.flag("aggsortrev"),
            self.options.number("aggsortkeypos"),
            self.options.number("aggsortpos"),
        )

    def _account(self, report: Report, missed: int | None) -> None:
        frames, consumed, committed = self.tracer.frames, self.consumer.consumed, self.consumer.committed
        per_cpu = [
            {"cpu": cpu, **accounting(frames.total([cpu]), consumed[cpu], committed[cpu])} for cpu in range(frames.cpus)
        ]
        total = accounting(frames.total(), sum(consumed), sum(committed))
        kernel = self.tracer.kernel_counts()
        report.records = {**total, "missed": missed, "kernel_runs": kernel.runs, "per_cpu": per_cpu}


def _grown(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before
