"""Reads the rings and acts: every record's actions in order, in DTrace's layout (contract section 9)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import assert_never

from dtrace_py.codegen.described import Described
from dtrace_py.codegen.layout import Action, ClauseLayout, ShownField, Unit
from dtrace_py.codegen.operands import padded
from dtrace_py.codegen.plan import Plan
from dtrace_py.consumer import fields, flow
from dtrace_py.consumer.faults import fault_message, library_message
from dtrace_py.consumer.outside import Outside
from dtrace_py.consumer.speculations import Kept
from dtrace_py.consumer.store import Store
from dtrace_py.consumer.style import Style
from dtrace_py.consumer.temporal import merged
from dtrace_py.lang import typed
from dtrace_py.lang.formats import Format
from dtrace_py.options import Options
from dtrace_py.output import memory, printf, values
from dtrace_py.output.printed import printed
from dtrace_py.output.sink import Sink
from dtrace_py.providers.probe import Probe
from dtrace_py.runtime.ring import COMMIT, DISCARDED, FAULT, SHARED, SPECULATIVE, Rings

_ORDINARY = ~(DISCARDED | FAULT | COMMIT | SPECULATIVE)

_STRIDE = 1024
"""Records that are printed between two looks at whether someone wants it to end."""

HEADING = f"{'CPU':>3} {'ID':>6} {'FUNCTION:NAME':>32}\n"


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
        for number, layout in unit.clauses.items():
            if number not in self._clauses:
                self._clauses[number] = layout
                self._steps[number] = [self._step(number, action) for action in layout.actions]
                if any(map(_acts, layout.actions)):
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

    # Actions

    def _step(self, enabling: int, action: Action) -> Step:
        memory = self._single if self._clauses[enabling].speculative else self._rings.bytes
        readers = [fields.reader(field, memory) for field in action.fields]
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
            case typed.Command(action=row, format=fmt):
                return self._command(enabling, row.name, fmt, readers)
            case typed.Perform(action=row) if row.name == "setopt":
                return self._setopt(enabling, readers)
            case typed.Perform(action=row) if row.name == "ftruncate":
                return self._effect(readers, lambda _: self._outside.ftruncate())
            case typed.Perform(action=row) if row.name == "print":
                (read,) = readers
                (field,) = action.fields
                assert isinstance(field, ShownField)
                return lambda place, probe, _: self._printed(field.type, read(place, probe))
            case typed.Perform(action=row) if row.name == "tracemem":
                return lambda place, probe, _: _dumped(*(read(place, probe) for read in readers))
            case typed.Perform(action=row) if row.name == "printm":
                return lambda place, probe, _: _referred(*(read(place, probe) for read in readers))
            case typed.Evaluate() | typed.Aggregate() | typed.If() | typed.Speculate() | typed.Settle():
                raise AssertionError("leaves no record")
            case typed.Perform(action=row):
                raise AssertionError(f"not refused: {row.name}( )")
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
        assert not isinstance(argument.value, str | bytes)
        if argument.symbol in ("stack", "ustack"):
            assert isinstance(argument.value, tuple)
            return values.stack(argument.value, argument.symbol, style.stackindent, self._lookup)
        return f"  {values.symbol(argument.value, argument.symbol, self._lookup):<50}"

    def _printed(self, kind: Described, argument: printf.Argument) -> str:
        assert isinstance(argument.value, bytes)
        return printed(kind, argument.value[: padded(self._options.number("printsize"))], self._lookup)

    def _normalize(self, enabling: int, name: str, readers: list[fields.Reader]) -> Step:
        """normalize(), or without a divisor denormalize(). One by zero is an error, and denormalizes (A28)."""

        def step(place: int, probe: Probe, _: Style) -> str:
            divisor = readers[0](place, probe).value if readers else 1
            assert isinstance(divisor, int)
            if not divisor:
                self._say(enabling, probe)(f"couldn't normalize @{name} by 0: Invalid normalization")
            self._store.normalize(name, divisor or 1)
            return ""

        return step

    def _command(self, enabling: int, name: str, fmt: Format, readers: list[fields.Reader]) -> Step:
        """system() or freopen()."""
        act = self._outside.system if name == "system" else self._outside.freopen

        def step(place: int, probe: Probe, _: Style) -> str:
            text = printf.render(fmt, (read(place, probe) for read in readers), self._lookup)
            act(text, self._say(enabling, probe))
            return ""

        return step

    def _setopt(self, enabling: int, readers: list[fields.Reader]) -> Step:
        """setopt(name [, value]): without a value it is enabled (A25)."""

        def step(place: int, probe: Probe, _: Style) -> str:
            name, value = [*(str(read(place, probe).value) for read in readers), "1"][:2]
            self._outside.setopt(name, value, self._say(enabling, probe))
            return ""

        return step

    def _say(self, enabling: int, probe: Probe) -> Callable[[str], object]:
        """Says what is wrong with an action of the consumer (F25)."""
        epid = self._plan.epid(enabling, self._plan.places[probe.id])
        return lambda text: self._complain(library_message(epid, probe, text))

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


def _acts(action: Action) -> bool:
    """Whether it acts on what is outside of the consumer."""
    match action.statement:
        case typed.Command():
            return True
        case typed.Perform(action=row):
            return row.name in ("setopt", "ftruncate")
    return False


def _is_static(layouts: Iterable[ClauseLayout]) -> bool:
    """Whether every record is nothing but a header, and what it prints follows from that."""
    return all(
        not layout.can_fault
        and not layout.speculative
        and (layout.size in (0, 8))
        and all(isinstance(action.statement, typed.Trace | typed.Printf) for action in layout.actions)
        for layout in layouts
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


def _referred(argument: printf.Argument, size: printf.Argument) -> str:
    """printm(): so many bytes as memref() was told, if there is room for them (A14)."""
    raw = argument.value
    assert isinstance(raw, bytes)
    assert isinstance(size.value, int)
    return memory.dump(raw[: size.value])
