"""Recording statements: fields of the clause's record, and the C that fills them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from dtrace_py.codegen import builtins, layout
from dtrace_py.codegen.described import described
from dtrace_py.codegen.dynamic import is_memory
from dtrace_py.codegen.expressions import Expressions
from dtrace_py.codegen.operands import PROCESS, loading, padded, storage_type
from dtrace_py.lang import acts, typed
from dtrace_py.lang.constants import cut
from dtrace_py.lang.tables.actions import Action
from dtrace_py.lang.tables.variables import PROBE_NAMES
from dtrace_py.lang.types import IntType, StringType

HEADER = 8
"""Bytes of a record's header, of what names its speculation, and of its time (option temporal)."""


class Records:
    """Builds the record of one clause: its C members, its layout, and the statements that fill it in."""

    def __init__(
        self,
        expressions: Expressions,
        start_action: Callable[[], None],
        record: str = "record",
        speculative: bool = False,
    ) -> None:
        self.expressions = expressions
        self.record = record
        """What C calls the record."""
        self.writer = expressions.writer
        self.start_action = start_action
        self.members = ["    u64 header;", *(["    u64 speculation;"] if speculative else [])]
        self.temporal = expressions.environment.target.temporal
        if self.temporal:
            self.members.append("    u64 time;")
        self.size = HEADER * len(self.members)
        self.actions: list[layout.Action] = []

    def begin(self) -> None:
        """Generate what a record has from the start."""
        if self.temporal:
            self.writer.line(f"{self.record}->time = bpf_ktime_get_ns();")

    def add(self, statement: acts.Statement) -> None:
        """Generate one recording statement. Each argument counts as an action of its own, as in DTrace (F23)."""
        match statement:
            case acts.Trace(value=value):
                self._action(statement, value)
            case acts.Printf(arguments=arguments) | acts.Command(arguments=arguments):
                self._action(statement, *arguments)
            case acts.Exit(status=status):
                self._action(statement, status)
                self.writer.line("firing_exit(f);")
            case acts.Trunc(limit=amount) | acts.Normalize(divisor=amount):
                self._action(statement, *(() if amount is None else (amount,)))
            case acts.Record(value=value):
                self.start_action()
                self.actions.append(layout.Action(statement, (self._special(value),)))
            case acts.Printa() | acts.Clear():
                self._action(statement)
            case acts.Perform(action=Action(name="setopt" | "ftruncate"), arguments=arguments):
                self._action(statement, *arguments)
            case acts.Perform(action=Action(name="print")):
                self._print(statement)
            case acts.Perform(action=Action(name="tracemem")):
                self._tracemem(statement)
            case acts.Perform(action=Action(name="printm")):
                self._printm(statement)
            case acts.Perform(action=Action(name="pcap")):
                self._pcap(statement)
            case acts.Evaluate() | acts.Aggregate() | acts.If() | acts.Speculate() | acts.Settle():
                raise AssertionError("records nothing by itself")
            case acts.Perform():
                raise AssertionError(f"not refused: {statement.action.name}( )")
            case _:
                assert_never(statement)

    @property
    def total(self) -> int:
        """Bytes of the whole record."""
        return padded(self.size)

    def _action(self, statement: acts.Statement, *arguments: typed.Expr) -> None:
        fields = []
        if not arguments:
            self.start_action()
        for argument in arguments:
            self.start_action()
            fields.append(self._field(argument))
        self.actions.append(layout.Action(statement, tuple(fields)))

    def _field(self, value: typed.Expr) -> layout.Field:
        match value:
            case typed.Text(value=text):
                return layout.ConstantField(text.split("\0")[0][: self.expressions.environment.target.strsize - 1])
            case typed.Const(value=known, type=IntType(size=width, signed=signed)):
                return layout.ConstantField(cut(known, value.type), width, signed)
            case typed.Read(builtin=builtin) if self._is_name(builtin.name):
                return layout.NameField(PROBE_NAMES.index(builtin.name))
        kind = value.type
        offset, size = self._stored(value)
        if isinstance(kind, StringType):
            return layout.TextField(offset, size)
        if is_memory(kind):
            return layout.BytesField(offset, size)
        return layout.IntField(offset, size, kind.signed if isinstance(kind, IntType) else False)

    def _stored(self, value: typed.Expr) -> tuple[int, int]:
        """Generate a copy of a value in the record; returns its offset and size."""
        kind = value.type
        if isinstance(kind, StringType):
            buffer = self.expressions.strings.buffer(value)
            name, offset = self._member("text", f"char {{}}[{buffer.size}] __attribute__((aligned(8)))", buffer.size, 8)
            self.expressions.strings.copy(f"{self.record}->{name}", buffer.size, buffer)
            return offset, buffer.size
        if is_memory(kind):
            size = self.expressions.environment.size(kind)
            name, offset = self._bytes(size)
            self.expressions.memory.fill(f"{self.record}->{name}", value)
            return offset, size
        number = self.expressions.number(value)
        size = kind.size if isinstance(kind, IntType) else 8
        name, offset = self._member("value", f"{storage_type(kind)} {{}}", size, size)
        self.writer.line(f"{self.record}->{name} = {number.text};")
        return offset, size

    def _bytes(self, size: int) -> tuple[str, int]:
        """Room for so many bytes."""
        return self._member("memory", f"char {{}}[{size}] __attribute__((aligned(8)))", size, 8)

    def _print(self, statement: acts.Perform) -> None:
        """print(value)."""
        (value,) = statement.arguments
        environment = self.expressions.environment
        self.start_action()
        offset, size = self._stored(value)
        shown = described(value.type, environment.types, environment.target.strsize)
        self.actions.append(layout.Action(statement, (layout.ShownField(offset, size, shown),)))

    def _tracemem(self, statement: acts.Perform) -> None:
        """tracemem(address, size [, shown])."""
        address, amount, *shown = statement.arguments
        assert isinstance(amount, typed.Const)
        self.start_action()
        name, offset = self._bytes(amount.value)
        number = self.expressions.number(address)
        self.writer.line(f"{loading(address)}_MEMORY({self.record}->{name}, {amount.value}, {number.text});")
        fields: list[layout.Field] = [layout.BytesField(offset, amount.value)]
        for each in shown:
            self.start_action()
            fields.append(self._field(each))
        self.actions.append(layout.Action(statement, tuple(fields)))

    def _printm(self, statement: acts.Perform) -> None:
        """printm(most, memref(address, size))."""
        most, reference = statement.arguments
        assert isinstance(most, typed.Const)
        self.start_action()
        size, size_at = self._member("size", "u64 {}", 8, 8)
        name, offset = self._bytes(most.value)
        pair, address, amount = map(self.writer.fresh, ("pair", "address", "amount"))
        self.writer.line(f"u64 {pair} = {self.expressions.number(reference).text}, {address}, {amount};")
        self.writer.line(f"LOAD({address}, {pair});")
        self.writer.line(f"LOAD({amount}, {pair} + 8);")
        self.writer.line(f"HIDE({amount});")
        self.writer.line(f"if ({amount} > {most.value})")
        self.writer.line(f"    {amount} = {most.value};")
        self.writer.line(f"LOAD_MEMORY({self.record}->{name}, {amount}, {address});")
        self.writer.line(f"{self.record}->{size} = {amount};")
        self.actions.append(
            layout.Action(statement, (layout.BytesField(offset, most.value), layout.IntField(size_at, 8, False)))
        )

    def _pcap(self, statement: acts.Perform) -> None:
        """pcap(packet, link type)."""
        packet, link = statement.arguments
        most = self.expressions.environment.target.pcapsize
        self.expressions.needs.add("packet")
        self.start_action()
        time, time_at = self._member("time", "u64 {}", 8, 8)
        length, length_at = self._member("length", "u32 {}", 4, 4)
        captured, captured_at = self._member("captured", "u32 {}", 4, 4)
        name, offset = self._bytes(most)
        self.writer.line(f"{self.record}->{time} = {builtins.number(self.expressions, 'walltimestamp').text};")
        where = f"{self.record}->{name}, {self.record}->{captured}, {self.record}->{length}"
        self.writer.line(f"LOAD_PACKET({where}, {self.expressions.number(packet).text});")
        self.start_action()
        fields = (
            layout.BytesField(offset, most),
            layout.IntField(captured_at, 4, False),
            layout.IntField(length_at, 4, False),
            layout.IntField(time_at, 8, False),
            self._field(link),
        )
        self.actions.append(layout.Action(statement, fields))

    def _is_name(self, builtin: str) -> bool:
        """Whether the consumer knows the value from the probe alone: it is one of its names, and none is cut (S1)."""
        environment = self.expressions.environment
        return builtin in PROBE_NAMES and environment.names[builtin] <= environment.target.strsize

    def _special(self, value: acts.RecordedKey) -> layout.Field:
        match value:
            case acts.SymbolKey():
                number = self.expressions.number(value.address)
                name, offset = self._member("address", "u64 {}", 8, 8)
                self.writer.line(f"{self.record}->{name} = {number.text};")
                return layout.SymbolField(offset, value.what)
            case acts.UserSymbolKey():
                number = self.expressions.number(value.address)
                name, offset = self._member("address", "u64 {}[2]", 16, 8)
                self.writer.line(f"{self.record}->{name}[0] = {PROCESS};")
                self.writer.line(f"{self.record}->{name}[1] = {number.text};")
                return layout.UserSymbolField(offset, value.what)
            case acts.StackKey(frames=frames):
                name, offset = self._member("stack", f"u64 {{}}[{frames}]", frames * 8, 8)
                self.expressions.stack(f"{self.record}->{name}", frames)
                return layout.StackField(offset, frames)
            case acts.UserStackKey(frames=frames):
                name, offset = self._member("stack", f"u64 {{}}[{1 + frames}]", 8 + frames * 8, 8)
                self.writer.line(f"{self.record}->{name}[0] = {PROCESS};")
                self.expressions.user_stack(f"{self.record}->{name} + 1", frames)
                return layout.UserStackField(offset, frames, value.strings)
        assert_never(value)

    def _member(self, stem: str, declaration: str, size: int, alignment: int) -> tuple[str, int]:
        """A new member: its name and offset. C lays the members out in the same way."""
        offset = -(-self.size // alignment) * alignment
        self.size = offset + size
        name = f"{stem}{len(self.members)}"
        self.members.append(f"    {declaration.format(name)};")
        return name, offset
