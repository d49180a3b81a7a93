"""Reads the rings and takes the steps of every record, in order and in DTrace's layout (contract section 9)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing

from dtrace_py.codegen.layout import ClauseLayout, Unit
from dtrace_py.codegen.plan import Plan
from dtrace_py.consumer import flow
from dtrace_py.consumer.faults import fault_message
from dtrace_py.consumer.outside import Outside
from dtrace_py.consumer.speculations import Kept
from dtrace_py.consumer.steps import Step, Steps, is_outward
from dtrace_py.consumer.store import Store
from dtrace_py.consumer.style import Style
from dtrace_py.consumer.temporal import merged
from dtrace_py.lang import acts
from dtrace_py.options import Options
from dtrace_py.output import values
from dtrace_py.output.sink import Sink
from dtrace_py.providers.probe import Probe
from dtrace_py.runtime.ring import COMMIT, DISCARDED, FAULT, SHARED, SPECULATIVE, Rings

_ORDINARY = ~(DISCARDED | FAULT | COMMIT | SPECULATIVE)

_STRIDE = 1024
"""Records that are printed between two looks at whether someone wants it to end."""

HEADING = f"{'CPU':>3} {'ID':>6} {'FUNCTION:NAME':>32}\n"


class Consumer:
    """The reading end of one run. ``complain`` gets the messages that go to stderr."""

    def __init__(
        self,
        unit: Unit,
        plan: Plan,
        rings: Rings,
        store: Store,
        sink: Sink,
        lookup: values.Lookup,
        complain: Callable[[str], object],
        options: Options,
    ) -> None:
        self._rings = rings
        self._store = store
        self._sink = sink
        self._lookup = lookup
        self._complain = complain
        self._options = options
        self._outside = Outside(sink, options)
        self._flow = flow.FlowIndent()
        self._headed = False
        self._clauses: dict[int, ClauseLayout] = {}
        self._single = memoryview(bytearray(unit.slack))
        self.kept = Kept(rings.cpus, rings.read_at_end)
        self._steps: dict[int, list[Step]] = {}
        self._outward: set[int] = set()
        self.learn(unit, plan)
        self._lines: dict[tuple[int, Style], _Lines] = {}
        self._fault = struct.Struct("<IIQ").unpack_from
        self.consumed = [0] * rings.cpus
        """Records of clauses taken out of each CPU's ring."""
        self.committed = [0] * rings.cpus
        """How many of them were speculative and have been committed."""
        self.exit_status: int | None = None
        self.failed = False
        """Whether a fault ends tracing (option errexit)."""

    def learn(self, unit: Unit, plan: Plan) -> None:
        """What records of this unit and those before it hold, and all probes and enablings that they may be of."""
        self._plan = plan
        steps = Steps(plan, self._store, self._lookup, self._outside, self._options, self._complain, self._exit)
        for number, layout in unit.clauses.items():
            if number not in self._clauses:
                self._clauses[number] = layout
                self._steps[number] = steps.of(
                    number, layout, self._single if layout.speculative else self._rings.bytes
                )
                if any(map(is_outward, layout.actions)):
                    self._outward.add(number)
        self._static = _is_static(self._clauses.values())

    def consume(self, cpus: Sequence[int], style: Style, abandoned: Callable[[], bool]) -> None:
        """Print what the rings of these CPUs hold. Leaves the rest where it is soon after it is ``abandoned``."""
        self._store.new_pass()
        self._lookup.users.new_pass()
        if self._options.flag("temporal"):
            style = self._consume_records(merged(self._rings, self._clauses, cpus, abandoned), style, lambda: False)
        for cpu in cpus:
            if self._static and not style.flowindent:
                self._consume_headers(cpu, style, abandoned)
            else:
                style = self._consume_records(self._rings.records(cpu), style, abandoned)
                style = self._commit(cpu, self.kept.due(cpu), style)
            self._sink.flush()

    def _heading(self, style: Style) -> None:
        if not self._headed:
            self._headed = True
            if style.flowindent:
                self._sink.write(flow.HEADING)
            elif not style.quiet:
                self._sink.write(HEADING)

    def _consume_headers(self, cpu: int, style: Style, abandoned: Callable[[], bool]) -> None:
        """Records whose whole line follows from their header: the line is made once, then looked up."""
        lines = self._lines.setdefault((cpu, style), _Lines(lambda header: self._line(header, 0, cpu, style, None)))
        for headers in self._rings.headers(cpu, _STRIDE):
            if abandoned():
                break
            self._heading(style)
            self._sink.write("".join(map(lines.__getitem__, headers)))
            self.consumed[cpu] += len(headers)
            self._sink.flush()

    def _consume_records(
        self, source: Generator[tuple[int, int, int], None, None], style: Style, abandoned: Callable[[], bool]
    ) -> Style:
        """Records of all kinds. Returns how they look now."""
        consumed, stride = self.consumed, self._rings.stride
        with closing(source) as records:
            for number, (header, place, following) in enumerate(records, start=1):
                cpu = place // stride
                if header & _ORDINARY == header:
                    style = self._print(header, place, cpu, style, following)
                    consumed[cpu] += 1
                elif header & FAULT:
                    self._report_fault(header, place)
                elif header & COMMIT:
                    speculation = self._rings.word(place + 8)
                    for each, kept in self.kept.commit(cpu, speculation, header & SHARED != 0):
                        style = self._commit(each, kept, style)
                elif not header & DISCARDED:
                    size = self._clauses[header >> 32 & 0xFFFF].size
                    self.kept.keep(cpu, self._rings.word(place + 8), bytes(self._rings.bytes[place : place + size]))
                    consumed[cpu] += 1
                if number % _STRIDE == 0:
                    self._sink.flush()
                    if abandoned():
                        break
        return style

    def _commit(self, cpu: int, records: list[bytes], style: Style) -> Style:
        """Print records that had been kept aside. Their fields are read where each of them is put for that. Returns how
        records look now."""
        headers = [int.from_bytes(record[:8], "little") for record in records]
        for kept, header, following in zip(records, headers, [*headers[1:], None], strict=False):
            self._single[: len(kept)] = kept
            style = self._print(header, 0, cpu, style, following)
        self.committed[cpu] += len(records)
        return style

    def _print(self, header: int, place: int, cpu: int, style: Style, following: int | None) -> Style:
        """Print one record, with the heading if it is the first. Returns how records look now."""
        self._heading(style)
        if header >> 32 & 0xFFFF in self._outward:
            return self._act(header, place, cpu, style, following)
        self._sink.write(self._line(header, place, cpu, style, following))
        return style

    def _line(self, header: int, place: int, cpu: int, style: Style, following: int | None) -> str:
        """All that one record prints (U2, U3, U11)."""
        enabling, probe = self._decoded(header)
        prefix = self._prefix(enabling, probe, cpu, style, following)
        body = "".join([step(place, probe, style) for step in self._steps[enabling]])
        return f"{prefix}{body}" if style.quiet else f"{prefix}{body}\n"

    def _prefix(self, enabling: int, probe: Probe, cpu: int, style: Style, following: int | None) -> str:
        if style.flowindent:
            return self._flow.prefix(cpu, enabling, probe, self._decoded(following) if following else None)
        if style.quiet:
            return ""
        title = f"{probe.function}:{probe.name}"
        return f"{cpu:>3} {probe.id:>6} {title:>32} "

    def _act(self, header: int, place: int, cpu: int, style: Style, following: int | None) -> Style:
        """Print a record step by step, because some act on the output or on how it looks. Returns how it looks now."""
        enabling, probe = self._decoded(header)
        self._sink.write(self._prefix(enabling, probe, cpu, style, following))
        for step in self._steps[enabling]:
            self._sink.write(step(place, probe, style))
            style = self._outside.style()
        if not style.quiet:
            self._sink.write("\n")
        return style

    def _decoded(self, header: int) -> tuple[int, Probe]:
        return header >> 32 & 0xFFFF, self._plan.probes[header & 0xFFFFFFFF]

    def _report_fault(self, header: int, place: int) -> None:
        enabling, probe = self._decoded(header)
        action, code, value = self._fault(self._rings.bytes, place + 8)
        epid = self._plan.epid(enabling, header & 0xFFFFFFFF)
        self._complain(fault_message(epid, probe, action, code, value))
        if self._options.flag("errexit"):
            self.failed = True
            self._exit(1)

    def _exit(self, status: int) -> None:
        if self.exit_status is None:
            self.exit_status = status & 0xFF

    def ending(self) -> None:
        """END is about to fire: its exit() replaces the status (A24)."""
        self._earlier, self.exit_status = self.exit_status, None

    def ended(self) -> None:
        """END's records have been consumed."""
        if self.exit_status is None:
            self.exit_status = self._earlier
        self._sink.write(self._outside.packets.finish())

    _earlier: int | None = None


class _Lines(dict[int, str]):
    """Lines by header, each made when it is first needed."""

    def __init__(self, make: Callable[[int], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, header: int) -> str:
        line = self[header] = self._make(header)
        return line


def _is_static(layouts: Iterable[ClauseLayout]) -> bool:
    """Whether every record is nothing but a header, and what it prints follows from that."""
    return all(
        not layout.can_fault
        and not layout.speculative
        and (layout.size in (0, 8))
        and all(isinstance(action.statement, acts.Trace | acts.Printf) for action in layout.actions)
        for layout in layouts
    )
