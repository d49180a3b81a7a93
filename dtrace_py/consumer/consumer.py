"""Reads the rings and acts: every record's actions in order, in DTrace's layout (contract section 9)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import assert_never

from dtrace_py.codegen.described import Described
from dtrace_py.codegen.layout import Action, ShownField, Unit
from dtrace_py.codegen.plan import Plan
from dtrace_py.consumer import fields, flow
from dtrace_py.consumer.faults import fault_message, library_message
from dtrace_py.consumer.store import Store
from dtrace_py.lang import typed
from dtrace_py.output import memory, printf, values
from dtrace_py.output.printed import printed
from dtrace_py.output.sink import Sink
from dtrace_py.providers.probe import Probe
from dtrace_py.record import record
from dtrace_py.runtime.ring import DISCARDED, FAULT, Rings

_STRIDE = 1024
"""Records that are printed between two looks at whether someone wants it to end."""

HEADING = f"{'CPU':>3} {'ID':>6} {'FUNCTION:NAME':>32}\n"


@record
class Style:
    """How records are printed, as the options say at the moment."""

    quiet: bool
    flowindent: bool
    stackindent: int
    rawbytes: bool


Step = Callable[[int, Probe, Style], str]
"""One action of a clause: acts on the record at a place in the rings and returns what it prints."""


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
    ) -> None:
        self._plan = plan
        self._rings = rings
        self._store = store
        self._sink = sink
        self._lookup = lookup
        self._complain = complain
        self._flow = flow.FlowIndent()
        self._headed = False
        self._static = _is_static(unit)
        self._steps = {
            number: [self._step(number, action) for action in layout.actions] for number, layout in unit.clauses.items()
        }
        self._lines: dict[tuple[int, Style], _Lines] = {}
        self._fault = struct.Struct("<IIQ").unpack_from
        self.consumed = [0] * rings.cpus
        """Records of clauses taken out of each CPU's ring."""
        self.exit_status: int | None = None

    def consume(self, cpus: Iterable[int], style: Style, abandoned: Callable[[], bool]) -> None:
        """Print what the rings of these CPUs hold. Leaves the rest where it is soon after it is ``abandoned``."""
        self._store.new_pass()
        for cpu in cpus:
            if self._static and not style.flowindent:
                self._consume_headers(cpu, style, abandoned)
            else:
                self._consume_records(cpu, style, abandoned)
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

    def _consume_records(self, cpu: int, style: Style, abandoned: Callable[[], bool]) -> None:
        count = 0
        with closing(self._rings.records(cpu)) as records:
            for number, (header, place, following) in enumerate(records, start=1):
                if header & FAULT:
                    self._report_fault(header, place)
                elif not header & DISCARDED:
                    self._heading(style)
                    self._sink.write(self._line(header, place, cpu, style, following))
                    count += 1
                if number % _STRIDE == 0:
                    self._sink.flush()
                    if abandoned():
                        break
        self.consumed[cpu] += count

    def _line(self, header: int, place: int, cpu: int, style: Style, following: int | None) -> str:
        """All that one record prints (U2, U3, U11)."""
        enabling, probe = self._decoded(header)
        if style.flowindent:
            prefix = self._flow.prefix(cpu, enabling, probe, self._decoded(following) if following else None)
        elif style.quiet:
            prefix = ""
        else:
            title = f"{probe.function}:{probe.name}"
            prefix = f"{cpu:>3} {probe.id:>6} {title:>32} "
        body = "".join([step(place, probe, style) for step in self._steps[enabling]])
        return f"{prefix}{body}" if style.quiet else f"{prefix}{body}\n"

    def _decoded(self, header: int) -> tuple[int, Probe]:
        return header >> 32 & 0xFFFF, self._plan.probes[header & 0xFFFFFFFF]

    def _report_fault(self, header: int, place: int) -> None:
        enabling, probe = self._decoded(header)
        action, code, value = self._fault(self._rings.bytes, place + 8)
        epid = self._plan.epid(enabling, header & 0xFFFFFFFF)
        self._complain(fault_message(epid, probe, action, code, value))

    # Actions

    def _step(self, enabling: int, action: Action) -> Step:
        readers = [fields.reader(field, self._rings.bytes) for field in action.fields]
        match action.statement:
            case typed.Trace():
                (read,) = readers
                return lambda place, probe, style: _traced(read(place, probe), style)
            case typed.Record():
                (read,) = readers
                return lambda place, probe, style: self._special(read(place, probe), style)
            case typed.Printf(format=fmt):
                return lambda place, probe, _: printf.render(
                    fmt, (read(place, probe) for read in readers), self._lookup
                )
            case typed.Printa(format=fmt_or_none, aggregations=aggregations):
                names = [aggregation.name for aggregation in aggregations]
                return lambda *_: self._store.printed(names, fmt_or_none)
            case typed.Clear(aggregation=aggregation):
                return self._effect(readers, lambda _: self._store.clear(aggregation.name))
            case typed.Trunc(aggregation=aggregation):
                return self._effect(readers, lambda limit: self._store.trunc(aggregation.name, limit))
            case typed.Normalize(aggregation=aggregation):
                return self._normalize(enabling, aggregation.name, readers)
            case typed.Exit():
                return self._effect(readers, self._exit)
            case typed.Perform(action=row) if row.name == "print":
                (read,) = readers
                (field,) = action.fields
                assert isinstance(field, ShownField)
                return lambda place, probe, _: self._printed(field.type, read(place, probe))
            case typed.Perform(action=row) if row.name == "tracemem":
                return lambda place, probe, _: _dumped(*(read(place, probe) for read in readers))
            case typed.Evaluate() | typed.Aggregate() | typed.If() | typed.Perform():
                raise AssertionError("leaves no record")
            case typed.Later():
                raise AssertionError(f"not refused: {action.statement.what}")
        assert_never(action.statement)

    def _effect(self, readers: list[fields.Reader], act: Callable[[int], object]) -> Step:
        """A step that prints nothing and acts with its one number, or with 0."""

        def step(place: int, probe: Probe, _: Style) -> str:
            number = readers[0](place, probe).value if readers else 0
            assert isinstance(number, int)
            act(number)
            return ""

        return step

    def _special(self, argument: printf.Argument, style: Style) -> str:
        """A stack or a symbol as a statement of its own."""
        if isinstance(argument.value, tuple):
            return values.stack(argument.value, style.stackindent, self._lookup)
        assert isinstance(argument.value, int)
        return f"  {values.symbol(argument.value, argument.symbol, self._lookup):<50}"

    def _printed(self, kind: Described, argument: printf.Argument) -> str:
        assert isinstance(argument.value, bytes)
        return printed(kind, argument.value, self._lookup)

    def _normalize(self, enabling: int, name: str, readers: list[fields.Reader]) -> Step:
        """normalize(), or without a divisor denormalize(). One by zero is an error, and denormalizes (A28)."""

        def step(place: int, probe: Probe, _: Style) -> str:
            divisor = readers[0](place, probe).value if readers else 1
            assert isinstance(divisor, int)
            if not divisor:
                epid = self._plan.epid(enabling, self._plan.places[probe.id])
                self._complain(library_message(epid, probe, f"couldn't normalize @{name} by 0: Invalid normalization"))
            self._store.normalize(name, divisor or 1)
            return ""

        return step

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

    _earlier: int | None = None


class _Lines(dict[int, str]):
    """Lines by header, each made when it is first needed."""

    def __init__(self, make: Callable[[int], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, header: int) -> str:
        line = self[header] = self._make(header)
        return line


def _is_static(unit: Unit) -> bool:
    """Whether every record is nothing but a header, and what it prints follows from that."""
    return all(
        not layout.can_fault
        and (layout.size in (0, 8))
        and all(isinstance(action.statement, typed.Trace | typed.Printf) for action in layout.actions)
        for layout in unit.clauses.values()
    )


def _traced(argument: printf.Argument, style: Style) -> str:
    if isinstance(argument.value, str):
        return values.traced_text(argument.value, style.quiet)
    if isinstance(argument.value, bytes):
        return memory.traced(argument.value, style.quiet, style.rawbytes)
    assert isinstance(argument.value, int)
    return values.traced_number(argument.value, argument.size, style.quiet)


def _dumped(argument: printf.Argument, shown: printf.Argument | None = None) -> str:
    """tracemem(): so many bytes as its third argument says, if that is neither 0 nor more than there are (A5)."""
    raw = argument.value
    assert isinstance(raw, bytes)
    if shown is not None:
        assert isinstance(shown.value, int)
        raw = raw[: shown.value] if 0 < shown.value < len(raw) else raw
    return memory.dump(raw)
