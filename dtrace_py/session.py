"""The life of one run, readable from top to bottom. What only tracing needs is imported when it comes to that."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from dtrace_py import buffers, programs, rates
from dtrace_py.errors import DtpyError, counted
from dtrace_py.job import Job, Mode
from dtrace_py.kernel import requirements
from dtrace_py.kernel.machine import Machine
from dtrace_py.lang.source import as_text
from dtrace_py.output.listing import Details, details_of, list_probes
from dtrace_py.output.progress import debugging, progress
from dtrace_py.output.sink import Sink
from dtrace_py.programs import Compiled

if TYPE_CHECKING:
    from dtrace_py.lang.facts import TypeSource
    from dtrace_py.prepare import Prepared
    from dtrace_py.process.targets import Targets
    from dtrace_py.runtime.tracer import Tracer


class Session:
    """One run of the command. ``complain`` prints a message on standard error behind the command's name."""

    def __init__(self, job: Job, machine: Machine, stdout: BinaryIO, complain: Callable[[str], object]) -> None:
        self.job = job
        self.machine = machine
        self.stdout = stdout
        self.complain = complain
        self._debug = debugging(job.options, complain)

    def run(self) -> int:
        """Do what the job asks for; returns the exit status."""
        if self.job.dump is not None:
            return self._postmortem(self.job.dump)
        if self.job.mode in (Mode.TRACE, Mode.LIST):
            requirements.require_root()
        self.machine.providers.lenient = self.job.mode is Mode.COMPILE
        if not self.job.targets:
            return self._run(None)
        from dtrace_py.process.targets import environment, targets

        options = self.job.options
        variables = environment(options.all, os.environ)
        with targets(self.job.targets, options.word("evaltime"), variables) as processes:
            self.job.target = processes.first
            return self._run(processes)

    def _run(self, processes: Targets | None) -> int:
        """The same, with the processes of -c and -p."""
        with progress("compiling and finding probes", self._debug):
            compiled = programs.compile_job(self.job, self._types, self.machine.providers)
        if self.job.mode.builds:
            self._build(compiled)
            return 0
        self._tell_unlisted()
        self._refuse_unbuilt()
        with self._output() as sink:
            match self.job.mode:
                case Mode.LIST:
                    list_probes(compiled, self.machine.providers, self._details, sink, self.complain)
                    return 0
                case Mode.COMPILE:
                    self._tell_stability(compiled, sink)
                    if self.job.shows_code:
                        self._show_code(compiled)
                    return 0
                case _:
                    self._tell_stability(compiled, sink)
                    return self._trace(compiled, sink, processes)

    def _types(self) -> TypeSource:
        """The kernel's types; where programs are built that have probes of their own, they may be missing."""
        if self.job.mode.builds and not self.machine.types.described:
            from dtrace_py.lang.facts import NoTypes

            return NoTypes()
        return self.machine.types

    def _build(self, compiled: Compiled) -> None:
        """Make what -h and -G are for."""
        from dtrace_py.usdt import build

        write = build.write_header if self.job.mode is Mode.HEADER else build.write_objects
        write(self.job, compiled)

    def _postmortem(self, dump: str) -> int:
        """Print what a dead machine's rings hold."""
        from dtrace_py.postmortem import show

        found = show.read(dump)
        with self._output() as sink:
            return show.show(found, self.job.options, sink, self.complain)

    @contextmanager
    def _output(self) -> Iterator[Sink]:
        if self.job.output is None:
            yield Sink(self.stdout, "stdout")
            return
        try:
            file = open(self.job.output, "ab", buffering=0)  # noqa: SIM115 - closed below
        except OSError as error:
            raise DtpyError(f"failed to open output file '{self.job.output}'") from error
        with file:
            yield Sink(file, self.job.output)

    @property
    def _details(self) -> Details | None:
        return details_of(self.machine.providers, lambda: self.machine.types) if self.job.verbose else None

    def _tell_unlisted(self) -> None:
        """The one warning of -e: which descriptions could not be held against the probes that there are."""
        unlisted = self.machine.providers.unlisted
        if unlisted:
            reason = next(iter(unlisted.values()))
            self.complain(f"warning: descriptions of {' and '.join(unlisted)} probes were not checked: {reason}")

    def _refuse_unbuilt(self) -> None:
        """What options ask for and this version cannot do: an error, but to -e only a warning, and to -l nothing."""
        for what in self.job.options.unbuilt.values():
            if self.job.mode is Mode.TRACE:
                raise DtpyError(f"{what} is not implemented (yet)")
            if self.job.mode is Mode.COMPILE:
                self.complain(f"warning: {what} is not implemented (yet)")

    def _tell_stability(self, compiled: Compiled, sink: Sink) -> None:
        if self.job.verbose:
            from dtrace_py.output import stability

            details = self._details if self.job.mode is Mode.COMPILE else None
            stability.tell(compiled, self.machine.providers, details, sink.write)
            sink.flush()

    def _show_code(self, compiled: Compiled) -> None:
        from dtrace_py.prepare import prepare

        prepared = prepare(compiled, self.machine, self.job.options, probing=False, note=self._note)
        print(prepared.unit.text, file=sys.stderr)

    def _trace(self, compiled: Compiled, sink: Sink, processes: Targets | None) -> int:
        """Prepare, load, run, report."""
        from dtrace_py.latecomers import Latecomers
        from dtrace_py.prepare import check, prepare
        from dtrace_py.runtime.report import Report, written
        from dtrace_py.tracing import Run

        with progress("resolving functions", self._debug):
            prepared = prepare(compiled, self.machine, self.job.options, probing=True, note=self._note)
        self._announce(compiled)
        check(prepared, self.job.options)
        if self.job.shows_code:
            print(prepared.unit.text, file=sys.stderr)
        report = Report(self.machine.release, len(self.machine.online))
        with written(report, self.job.report), ExitStack() as stack:
            with progress("compiling and loading", self._debug):
                tracer = stack.enter_context(self._load(prepared, compiled))
                leave = partial(self._leave_black_box, stack.enter_context(ExitStack()))
                leave(prepared, tracer)
            for name, had in (("bufsize", prepared.bufsize), ("dynvarsize", prepared.dynvarsize)):
                told = buffers.lowered(self.job.options, name, had)
                if told and not self.job.options.flag("quietresize"):
                    self.complain(told)
            for told in rates.changed(self.job.options):
                self.complain(told)
            latecomers = Latecomers(
                compiled, self.machine, self.job.options, self.complain, self._note, self._load, leave
            )
            run = Run(prepared, tracer, self.machine, self.job.options, sink, self.complain, latecomers, processes)
            status = run.go(report)
        if self.job.options.flag("teardownreport"):
            self.complain(report.teardown())
        return status

    @contextmanager
    def _load(self, prepared: Prepared, compiled: Compiled, first: Tracer | None = None) -> Iterator[Tracer]:
        from dtrace_py.kernel.bpf import VerifierLog
        from dtrace_py.refusal import explained
        from dtrace_py.runtime.loader import LoadError
        from dtrace_py.runtime.tracer import load

        made, options = prepared, self.job.options
        log = VerifierLog(options.optional("bpflogsize") or None, _tell_log if options.flag("bpflog") else None)
        loading = load(made.unit, made.plan, made.tables, made.ring_bytes, made.multi, log, first)
        with ExitStack() as stack:
            try:
                tracer = stack.enter_context(loading)
            except LoadError as error:
                raise explained(error, compiled, self.machine, self.job.options) from error
            yield tracer

    def _leave_black_box(self, stack: ExitStack, prepared: Prepared, tracer: Tracer) -> None:
        """Until the stack unwinds, what it takes to read the rings out of a memory dump is in kernel memory. What was there
        for it before goes."""
        from dtrace_py.postmortem.leave import black_box

        try:
            with stack.pop_all():
                stack.enter_context(black_box(self.job, prepared, tracer.rings, self.machine.release))
        except OSError as error:
            self._note(f"a memory dump will not tell about this tracing: {error.strerror}")

    def _announce(self, compiled: Compiled) -> None:
        """How many probes each program matched (U50, U51); an error if there is nothing to do (U66)."""
        total = 0
        for source, clauses in compiled.sources:
            count = sum(len(probes) for matched in clauses for probes in matched.probes)
            total += count
            if not self.job.options.flag("quiet"):
                what = f"script '{source.path}'" if source.is_script else f"description '{source.title}'"
                self.complain(as_text(f"{what} matched {counted(count, 'probe')}"))
        if total == 0 and not self.job.options.flag("zdefs"):
            raise DtpyError("no probes matched" if compiled.sources else "no probes specified")
        if self.job.verbose:
            self._tell_left_out(compiled)

    def _tell_left_out(self, compiled: Compiled) -> None:
        """The functions that the programs name but that cannot be traced safely, by reason."""
        reasons: dict[str, list[str]] = {}
        for matched in compiled.clauses:
            for description in matched.descriptions:
                for name, reason in self.machine.providers.left_out(description):
                    reasons.setdefault(reason, []).append(name)
        for reason, names in reasons.items():
            unique = sorted(set(names))
            self.complain(f"left out {counted(len(unique), 'function')}, {reason}: {' '.join(unique)}")

    def _note(self, text: str) -> None:
        if self.job.verbose or self.job.options.flag("debug"):
            self.complain(text)


def _tell_log(text: str) -> None:
    """What the kernel's verifier says of a program (option bpflog)."""
    sys.stderr.writelines(f"BPF: {line}\n" for line in text.splitlines())
