"""What each recorded action does when its record is read: print, change an aggregation, act on the outside, exit."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from dtrace_py.codegen.described import Described
from dtrace_py.codegen.layout import Action, ClauseLayout, ShownField
from dtrace_py.codegen.operands import padded
from dtrace_py.codegen.plan import Plan
from dtrace_py.consumer import fields
from dtrace_py.consumer.faults import library_message
from dtrace_py.consumer.outside import Outside
from dtrace_py.consumer.store import Store
from dtrace_py.consumer.style import Style
from dtrace_py.lang import acts
from dtrace_py.lang.formats import Format
from dtrace_py.options import Options
from dtrace_py.output import memory as dumps
from dtrace_py.output import printf, values
from dtrace_py.output.packets import Packet
from dtrace_py.output.printed import printed
from dtrace_py.providers.probe import Probe

Step = Callable[[int, Probe, Style], str]
"""One action of a clause: acts on the record at a place in the rings and returns what it prints."""


class Steps:
    """Makes the steps of a program's clauses. ``exits`` is told the status of exit()."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        lookup: values.Lookup,
        outside: Outside,
        options: Options,
        complain: Callable[[str], object],
        exits: Callable[[int], object],
    ) -> None:
        self._plan = plan
        self._store = store
        self._lookup = lookup
        self._outside = outside
        self._options = options
        self._complain = complain
        self._exits = exits

    def of(self, enabling: int, layout: ClauseLayout, memory: memoryview) -> list[Step]:
        """What is done with a record of a clause that is in this memory."""
        return [self._step(enabling, action, memory) for action in layout.actions]

    def _step(self, enabling: int, action: Action, memory: memoryview) -> Step:
        readers = [fields.reader(field, memory) for field in action.fields]
        match action.statement:
            case acts.Trace():
                (read,) = readers
                return lambda place, probe, style: _traced(read(place, probe), style)
            case acts.Record():
                (read,) = readers
                return lambda place, probe, style: self._special(read(place, probe), style)
            case acts.Printf(format=fmt):
                return lambda place, probe, _: printf.render(
                    fmt, (read(place, probe) for read in readers), self._lookup
                )
            case acts.Printa(format=fmt_or_none, aggregations=aggregations):
                names = [aggregation.name for aggregation in aggregations]
                return lambda *_: self._store.printed(names, fmt_or_none)
            case acts.Clear(aggregation=aggregation):
                return self._effect(readers, lambda _: self._store.clear(aggregation.name))
            case acts.Trunc(aggregation=aggregation):
                return self._effect(readers, lambda limit: self._store.trunc(aggregation.name, limit))
            case acts.Normalize(aggregation=aggregation):
                return self._normalize(enabling, aggregation.name, readers)
            case acts.Exit():
                return self._effect(readers, self._exits)
            case acts.Command(action=row, format=fmt):
                return self._command(enabling, row.name, fmt, readers)
            case acts.Perform(action=row) if row.name == "setopt":
                return self._setopt(enabling, readers)
            case acts.Perform(action=row) if row.name == "ftruncate":
                return self._effect(readers, lambda _: self._outside.ftruncate())
            case acts.Perform(action=row) if row.name == "print":
                (read,) = readers
                (field,) = action.fields
                assert isinstance(field, ShownField)
                return lambda place, probe, _: self._printed(field.type, read(place, probe))
            case acts.Perform(action=row) if row.name == "tracemem":
                return lambda place, probe, _: _dumped(*(read(place, probe) for read in readers))
            case acts.Perform(action=row) if row.name == "printm":
                return lambda place, probe, _: _referred(*(read(place, probe) for read in readers))
            case acts.Perform(action=row) if row.name == "pcap":
                return self._pcap(enabling, readers)
            case acts.Evaluate() | acts.Aggregate() | acts.If() | acts.Speculate() | acts.Settle():
                raise AssertionError("leaves no record")
            case acts.Perform(action=row):
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

    def _pcap(self, enabling: int, readers: list[fields.Reader]) -> Step:
        """pcap(packet, link type): an empty packet is none (A15)."""

        def step(place: int, probe: Probe, _: Style) -> str:
            raw, *numbers = [read(place, probe).value for read in readers]
            assert isinstance(raw, bytes)
            captured, length, time, link = (each for each in numbers if isinstance(each, int))
            packet = Packet(raw[:captured], length, time, link)
            return self._outside.packets.put(packet, self._say(enabling, probe)) if captured else ""

        return step

    def _say(self, enabling: int, probe: Probe) -> Callable[[str], object]:
        """Says what is wrong with an action of the consumer (F25)."""
        epid = self._plan.epid(enabling, self._plan.places[probe.id])
        return lambda text: self._complain(library_message(epid, probe, text))


def is_outward(action: Action) -> bool:
    """Whether it acts on what is outside of the consumer."""
    match action.statement:
        case acts.Command():
            return True
        case acts.Perform(action=row):
            return row.name in ("setopt", "ftruncate", "pcap")
    return False


def _traced(argument: printf.Argument, style: Style) -> str:
    if isinstance(argument.value, str):
        return values.traced_text(argument.value, style.quiet)
    if isinstance(argument.value, bytes):
        return dumps.traced(argument.value, style.quiet, style.rawbytes)
    assert isinstance(argument.value, int)
    return values.traced_number(argument.value, argument.size, style.quiet)


def _dumped(argument: printf.Argument, shown: printf.Argument | None = None) -> str:
    """tracemem(): so many bytes as its third argument says, if that is neither 0 nor more than there are (A5)."""
    raw = argument.value
    assert isinstance(raw, bytes)
    if shown is not None:
        assert isinstance(shown.value, int)
        raw = raw[: shown.value] if 0 < shown.value < len(raw) else raw
    return dumps.dump(raw)


def _referred(argument: printf.Argument, size: printf.Argument) -> str:
    """printm(): so many bytes as memref() was told, if there is room for them (A14)."""
    raw = argument.value
    assert isinstance(raw, bytes)
    assert isinstance(size.value, int)
    return dumps.dump(raw[: size.value])
