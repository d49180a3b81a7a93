"""Enabling what comes while tracing: a second unit beside the first, for the same clauses at further probes (contract P25).

It has the gate, rings, variables and speculations of the first in common; aggregations, whose keys may be longer there, it has
maps of its own for, and the consumer adds up. Nothing of a tracing that no module comes into is different for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from dtrace_py.errors import DtpyError, Interrupted
from dtrace_py.kernel.machine import Machine
from dtrace_py.later import Watch, matched_since
from dtrace_py.options import Options
from dtrace_py.prepare import Prepared, check, prepare
from dtrace_py.programs import Compiled
from dtrace_py.providers.fbt import entry_id
from dtrace_py.runtime.tracer import Tracer

if TYPE_CHECKING:
    from dtrace_py.tracing import Run


class Latecomers:
    """Looks for modules, and enables probes in them.

    ``load`` loads what was prepared, beside what is; ``leave`` puts a black box that knows it in the place of the one before.
    """

    def __init__(
        self,
        compiled: Compiled,
        machine: Machine,
        options: Options,
        complain: Callable[[str], object],
        note: Callable[[str], object],
        load: Callable[[Prepared, Compiled, Tracer], AbstractContextManager[Tracer]],
        leave: Callable[[Prepared, Tracer], object],
    ) -> None:
        self._compiled = compiled
        self._machine = machine
        self._options = options
        self._complain = complain
        self._note = note
        self._load = load
        self._leave = leave
        self._watch = Watch(compiled, machine)
        self._units: list[tuple[Prepared, Tracer]] = []
        self._gone: set[str] = set()

    def look(self, run: Run) -> None:
        """Enable what is new, and forget what is gone."""
        if not self._units:
            self._units.append((run.prepared, run.tracer))
        gone, come = self._watch.look()
        if gone:
            self._forget(gone)
        if come:
            try:
                self._enable(self._unlisted(come), run)
            except Interrupted:
                pass
            except DtpyError as error:
                self._complain(f"probes that came with {' '.join(come)} are not enabled: {error}")

    def _unlisted(self, modules: Collection[str]) -> list[str]:
        """Those whose functions are not in the list as it was read when tracing began."""
        listed = {module for _, module in self._machine.fbt.functions} - self._gone
        return [name for name in modules if name not in listed]

    def _enable(self, modules: Collection[str], run: Run) -> None:
        if not modules:
            return
        machine = self._machine
        place = machine.learn(modules)
        later = matched_since(
            self._compiled,
            machine.fbt,
            place,
            lambda probe: machine.providers.arguments(probe, machine.types),
            self._complain,
        )
        made = prepare(later, machine, self._options, probing=True, note=self._note, before=self._units[-1][0])
        if not made.plan.own:
            return
        check(made, self._options)
        tracer = run.units.enter_context(self._load(made, later, run.tracer))
        self._units.append((made, tracer))
        run.join(made, tracer)
        self._leave(made, run.tracer)
        if run.tracer.control.open:  # else tracing has ended meanwhile
            run.attach(made, tracer)

    def _forget(self, modules: Collection[str]) -> None:
        """Nothing fires any more where these modules were: the kernel may put others there, and should they come back it puts
        kprobes back into them, where they may be others than those which the tables know."""
        self._gone.update(modules)
        for made, tracer in self._units:
            functions, sites = made.tables.functions, tracer.sites
            if functions is None or sites is None:
                continue
            for probe in made.plan.of_provider("fbt"):
                if probe.module in modules:
                    for place in functions.places(*made.extents[entry_id(probe)]):
                        sites.words[place] = 0
