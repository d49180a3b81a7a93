"""Structures, unions, arrays and floating-point numbers in C: values that are so many bytes (contract V10, D1, D2, T5).

Such a value is a place in the program's own memory: that of a variable, or a temporary that it has been copied to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen import dynamic, scratch, surroundings
from dtrace_py.codegen.arithmetic import arithmetic
from dtrace_py.codegen.conditionals import choose
from dtrace_py.codegen.dynamic import is_memory
from dtrace_py.codegen.operands import Buffer, Number, loading, storage_type, stored
from dtrace_py.lang import typed
from dtrace_py.lang.types import StringType, Type
from dtrace_py.record import record

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions


@record
class _Place:
    """Somewhere in a value: C text of what it is in, how far behind its start; ``element`` is what may be absent."""

    base: str
    offset: str
    element: str = ""

    @property
    def address(self) -> str:
        """C text of its address, which is 0 in an element that there is not."""
        text = self.base if self.offset == "0" else f"&AT(char, {self.base}, {self.offset})"
        return f"({self.element} ? {text} : 0)" if self.element else text


class Memory:
    """The values in memory of one clause function."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.environment = expressions.environment
        self.writer = expressions.writer
        self.strings = expressions.strings
        self._used = 0

    def next_action(self) -> None:
        """What the last action kept in temporaries is not needed any more."""
        self._used = 0

    # Whole values

    def value(self, node: typed.Expr) -> str:
        """C text of the address of a value."""
        match node:
            case typed.Value(variable=variable) if not variable.dynamic:
                return self.expressions.storage.scalar(variable)
            case typed.Part():
                return self._place(node).address
            case typed.Comma(left=left, right=right):
                self.expressions.effect(left)
                return self.value(right)
            case typed.Assign():
                return self._assign(node)
            case typed.Store(target=typed.Load()):
                return scratch.store(self.expressions, node).text
            case typed.Store():
                return self.store_value(node)
        to = self._temporary(self.environment.room(node.type))
        self.fill(to, node)
        return to

    def fill(self, to: str, node: typed.Expr) -> None:
        """Generate a copy of a value at an address that is fit for it."""
        size = self.environment.size(node.type)
        match node:
            case typed.Const():
                self.writer.line(f"CLEAR({to}, {size});")
            case typed.Load(address=address):
                self.writer.line(f"{loading(address)}_MEMORY({to}, {size}, {self.expressions.number(address).text});")
            case typed.Value(variable=variable) if variable.dynamic:
                place = self.expressions.storage.found(node)
                self.writer.line(f"COPY({to}, {size}, {place} ? {place}->value : 0);")
            case typed.Conditional():
                choose(self.expressions, node, lambda arm: self.fill(to, arm))
            case typed.Built(members=members):
                self._build(to, size, members)
            case typed.Argument():
                register = self._temporary(8)
                self.writer.line(f"AT(u64, {register}, 0) = {surroundings.argument(self.expressions, node).text};")
                self.writer.line(f"COPY({to}, {size}, {register});")
            case _:
                self.writer.line(f"COPY({to}, {size}, {self.value(node)});")

    def key(self, node: typed.Expr) -> Buffer:
        """A copy of a value, zero to the end of its last word, as it is compared."""
        size, room = self.environment.size(node.type), self.environment.room(node.type)
        to = self._temporary(room)
        if size < room:
            self.writer.line(f"WORD({to}, {room // 8 - 1}) = 0;")
        self.fill(to, node)
        return Buffer(to, room)

    def _temporary(self, size: int) -> str:
        """C text of the address of so many bytes, a multiple of 8, which last to the end of the action."""
        at, self._used = self._used, self._used + size
        self.environment.memory = max(self.environment.memory, self._used)
        return f"(f->frame->temporaries.memory + {at})"

    def _build(self, to: str, size: int, members: tuple[typed.Member, ...]) -> None:
        """A translated structure, member by member."""
        self.writer.line(f"CLEAR({to}, {size});")
        for member in members:
            place, value = _Place(to, str(member.offset)), member.value
            if isinstance(value.type, StringType):
                self._write_text(place, self.environment.size(member.type), value)
            elif is_memory(member.type):
                self.fill(place.address, value)
            else:
                self._write(place, member.type, member.bits, self.expressions.number(value))

    def _assign(self, node: typed.Assign) -> str:
        """``variable = value``, copied whole."""
        storage, variable = self.expressions.storage, node.target.variable
        if isinstance(node.value, typed.Const):  # V5: a stored 0 frees
            storage.free(variable, storage.key(node.target))
            return self.value(node.value)
        source = self.value(node.value)
        self.expressions.effects += 1
        if not variable.dynamic:
            to = storage.scalar(variable)
            self.writer.line(f"COPY({to}, {self.environment.size(node.type)}, {source});")
            return to
        stored = self._temporary(self.environment.room(node.type))
        self.writer.line(f"COPY({stored}, {self.environment.size(node.type)}, {source});")
        storage.store(variable, storage.key(node.target), stored)
        return stored

    # Parts

    def number(self, node: typed.Part) -> Number:
        """An integer or pointer in a value."""
        return self._read(self._place(node), node.type, node.bits)

    def within(self, node: typed.Within) -> Number:
        """An index that has been held against the bounds."""
        name = self.writer.fresh()
        index = self.expressions.number(node.index)
        self.writer.line(f"u64 {name} = {index.text};")
        self.writer.line(f"CHECK_INDEX({name}, {node.count});")
        return Number(name, "u64")

    def store(self, node: typed.Store, wanted: bool = False) -> Number:
        """A change of a number in a value; with ``wanted``, returns the value of the expression."""
        assert isinstance(node.target, typed.Part)
        kind, bits = node.type, node.target.bits
        value = self.expressions.save(self.expressions.number(node.value))
        place = self._place(node.target, change=True)
        before = self.expressions.save(self._read(place, kind, bits)) if node.op else value
        after = arithmetic(self.expressions, node.op, before, value, kind) if node.op else value
        self._write(place, kind, bits, after)
        self.expressions.effects += 1
        if not wanted or node.postfix:
            return before
        return self.expressions.save(self._read(place, kind, bits))

    def store_value(self, node: typed.Store) -> str:
        """A change of a string or a structure in a value; returns C text of its address."""
        assert isinstance(node.target, typed.Part)
        size = self.environment.size(node.type)
        text = isinstance(node.type, StringType)
        source = self.strings.whole(node.value).text if text else self.value(node.value)
        place = self._place(node.target, change=True)
        self._guarded(place, f"COPY({place.address}, {size}, {source});")
        self.expressions.effects += 1
        return place.address

    def _place(self, node: typed.Part, change: bool = False) -> _Place:
        """Where a part is; with ``change``, an element that is not there yet is made."""
        whole = node.base
        if not (isinstance(whole, typed.Value) and whole.variable.dynamic):
            return _Place(self.value(whole), self._offset(node))
        offset = self._offset(node)
        element = self._made(whole) if change else self.expressions.storage.found(whole)
        return _Place(f"{element}->value", offset, element)

    def _offset(self, node: typed.Part) -> str:
        """How far behind the start a part is: C text of a constant, or of a variable that the verifier knows is in bounds."""
        offset = self.expressions.number(node.offset)
        if offset.constant is not None:
            return str(offset.constant)
        name = self.writer.fresh("at")
        self.writer.line(f"u64 {name} = {offset.text};")
        most = self.environment.size(node.base.type) - self.environment.size(node.type)
        self.writer.line(f"BOUND({name}, {max(0, most)});")
        return name

    def _made(self, node: typed.Value) -> str:
        """The element of a dynamic variable that a part of is written to: a new one begins as zeroes."""
        storage, stem = self.expressions.storage, dynamic.pool(self.environment, node.variable).name
        key, blank = storage.key(node), self._temporary(self.environment.room(node.type))
        element = storage.found(node, key)
        with self.writer.block(f"if (!{element})"):
            self.writer.line(f"CLEAR({blank}, {self.environment.room(node.type)});")
            storage.store(node.variable, key, blank)
            self.writer.line(f"{element} = {stem}.lookup({key});")
        return element

    # Access

    def _read(self, place: _Place, kind: Type, bits: tuple[int, int] | None) -> Number:
        ctype = storage_type(kind)
        text = f"AT({ctype}, {place.base}, {place.offset})"
        if place.element:
            name = self.writer.fresh()
            self.writer.line(f"{ctype} {name} = {place.element} ? {text} : 0;")
            text = name
        return stored(text, kind, bits)

    def _write(self, place: _Place, kind: Type, bits: tuple[int, int] | None, value: Number) -> None:
        target = f"AT({storage_type(kind)}, {place.base}, {place.offset})"
        text = value.text
        if bits:
            shift, width = bits
            mask = (1 << width) - 1
            kept = f"{target} & {~(mask << shift) & (1 << self.environment.size(kind) * 8) - 1:#x}ULL"
            text = f"({kept}) | ({value.as_('u64')} & {mask:#x}ULL) << {shift}"
        self._guarded(place, f"{target} = {text};")

    def _write_text(self, place: _Place, size: int, value: typed.Expr) -> None:
        """A string as an array of so many characters."""
        text = self.strings.whole(value)
        self.writer.line(f"COPY({place.address}, {min(size, text.size)}, {text.text});")

    def _guarded(self, place: _Place, line: str) -> None:
        """A line that writes to a place, if that is there."""
        if place.element:
            self.writer.line(f"if ({place.element})")
            line = f"    {line}"
        self.writer.line(line)

    def address(self, node: typed.Expr) -> Number:
        """The address of a value as a number: what an array is as a pointer. (To the verifier one of its own is no number.)"""
        return self.expressions.spilled(Number(f"(u64){self.value(node)}", "u64"))
