"""One loaded program: its maps in this process's memory, its tables filled in, its programs ready to run."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from dtrace_py.codegen import tables as tables_
from dtrace_py.codegen.layout import ProgramLayout, Unit
from dtrace_py.codegen.plan import Plan
from dtrace_py.codegen.tables import Tables
from dtrace_py.kernel import bpf
from dtrace_py.kernel.bpf import MappedArray
from dtrace_py.record import record
from dtrace_py.runtime.control import Control
from dtrace_py.runtime.counts import Frames
from dtrace_py.runtime.flight import rings
from dtrace_py.runtime.loader import Module
from dtrace_py.runtime.ring import Rings
from dtrace_py.runtime.speculations import Speculations


@record
class Tracer:
    """What the session works with while a program is loaded."""

    unit: Unit
    module: Module
    control: Control
    frames: Frames
    rings: Rings
    programs: dict[str, ProgramLayout]
    timers: MappedArray | None
    sites: MappedArray | None
    """Of functions."""
    speculations: Speculations | None
    later: list[Tracer]
    """Units that were loaded since, for further probes."""

    def fire(self, name: str) -> None:
        """Run BEGIN or END, if the program has such a clause."""
        if name in self.programs:
            bpf.test_run(self.module.load(self.programs[name]))

    def reading_order(self) -> list[int]:
        """All CPUs: first the one where BEGIN fired, whose records come first (X27)."""
        cpus = list(range(self.rings.cpus))
        if begin := self.programs.get("begin"):
            cpus.sort(key=lambda cpu: not self.frames.of(cpu, begin.number).runs)
        return cpus

    def kernel_counts(self) -> bpf.ProgramInfo:
        """What the kernel itself counted: runs (0 unless its statistics are on), and runs it skipped, because another
        program was running on that CPU."""
        infos = [
            bpf.program_info(one.module.load(each))
            for one in (self, *self.later)
            for each in one.programs.values()
            if each.fires
        ]
        return bpf.ProgramInfo(sum(info.runs for info in infos), sum(info.misses for info in infos))

    def join(self, other: Tracer) -> None:
        """Another unit, which has the same rings, variables and gate, counts as a part of this one."""
        self.later.append(other)
        self.frames.parts.append(other.frames)
        self.rings.learn({number: layout.size for number, layout in other.unit.clauses.items()})


@contextmanager
def load(
    unit: Unit,
    plan: Plan,
    tables: Tables,
    ring_bytes: int,
    multi: bool,
    log: bpf.VerifierLog | None = None,
    first: Tracer | None = None,
) -> Iterator[Tracer]:
    """Compile, load and fill in; ``multi`` says that functions are attached by a link. Everything is gone at the end.

    With ``first``, the unit shares what units have in common with that one.
    """
    with ExitStack() as stack:
        module = stack.enter_context(Module(unit, log, first.module if first else None))

        def mapped(name: str) -> MappedArray:
            return stack.enter_context(closing(MappedArray(module.map_fd(name))))

        for program in unit.programs:
            module.load(program, multi)
        for name, contents in _contents(unit, plan, tables).items():
            array_ = mapped(name)
            # Elements of array maps are a multiple of 8 bytes apart; the tables are made so that this leaves no gaps.
            assert len(contents) <= array_.entries * array_.stride, name
            array_.view[: len(contents)] = contents
        sizes = {number: layout.size for number, layout in unit.clauses.items()}
        yield Tracer(
            unit,
            module,
            Control(mapped("control")),
            Frames(mapped("frames"), max(1, len(unit.programs))),
            rings(mapped("rings"), ring_bytes, sizes, unit.bufpolicy),
            {program.name: program for program in unit.programs},
            mapped("timers") if tables.timers else None,
            mapped("function_sites") if tables.functions else None,
            Speculations(mapped("speculations")) if '#include "speculation.h"' in unit.text else None,
            [],
        )


def _contents(unit: Unit, plan: Plan, tables: Tables) -> dict[str, bytes]:
    """The bytes of every table that the unit has."""
    contents: dict[str, bytes] = {}
    if tables.functions or tables.syscalls or tables.timers:
        contents["clause_sets"] = tables.sets.words(len(plan.enablings)).tobytes()
    if tables.functions:
        contents["function_leaves"] = tables.functions.leaves.tobytes()
        contents["function_sites"] = tables.functions.sites.tobytes()
    if '#include "starts.h"' in unit.text:
        contents["function_starts"] = tables_.function_starts(tables).tobytes()
    if tables.syscalls:
        words = array("Q", bytes(8 * (max(tables.syscalls) + 1)))
        for number, site in tables.syscalls.items():
            words[number] = site.word
        contents["syscall_sites"] = words.tobytes()
    if tables.timers:
        contents["timer_sites"] = array("Q", [site.word for _, _, site in tables.timers]).tobytes()
    if '#include "names.h"' in unit.text:
        contents["probe_names"] = tables_.probe_names(tables, plan.probes).tobytes()
        contents["names"] = tables.names
    if '#include "epids.h"' in unit.text:
        contents["epids"] = tables_.epids(plan).tobytes()
    return contents
