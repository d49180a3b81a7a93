"""Expressions in C. What cannot be said in one C expression becomes statements before it, in D's order of evaluation."""

from __future__ import annotations

import re
from typing import assert_never

from dtrace_py.codegen import builtins, destructive, kernel_objects, scratch, speculations, subroutines, surroundings
from dtrace_py.codegen.arithmetic import arithmetic, compare, cut, holds
from dtrace_py.codegen.conditionals import conditional, logical
from dtrace_py.codegen.dynamic import is_memory
from dtrace_py.codegen.environment import Environment
from dtrace_py.codegen.memory import Memory
from dtrace_py.codegen.operands import Buffer, Number, constant, joint, loading, storage_type, stored
from dtrace_py.codegen.strings import Strings
from dtrace_py.codegen.variables import Storage
from dtrace_py.codegen.writer import Writer
from dtrace_py.lang import typed
from dtrace_py.lang.tables.subroutines import DESTRUCTIVE
from dtrace_py.lang.types import IntType, PointerType, StringType, Type, VoidType

_CALLS = {
    **scratch.NUMBERS,
    **destructive.NUMBERS,
    **kernel_objects.NUMBERS,
    **speculations.NUMBERS,
    **subroutines.NUMBERS,
}
"""What generates calls of subroutines that give a number, or nothing."""

_SPILLED = re.compile(r"SPILLED\(\d+\)")
"""The C text of an intermediate value that is kept in the frame."""

_FEW = 16
"""Intermediate values that a clause may keep in C variables."""

_LONG = 200
"""Characters from which a C expression is saved in a variable: C compilers bound the nesting of parentheses."""


class Expressions:
    """Generates the expressions of one clause function."""

    def __init__(self, environment: Environment, writer: Writer, calls: int = 0) -> None:
        self.environment = environment
        self.writer = writer
        self.calls = calls
        """How many calls deep in its program the clause runs: the stack has a frame for each."""
        self.needs: set[str] = set()
        """What this clause needs besides its record."""
        self.strings = Strings(self)
        self.storage = Storage(self)
        self.memory = Memory(self)
        self.effects = 0
        """How many changes of D variables have been generated: what was read before one may be stale after it."""
        self._held = self._spills = 0

    def stack(self, to: str, frames: int) -> None:
        """Generate the reading of the kernel's stack."""
        self.needs.add("stack")
        self.writer.line(f"stack_read(f, {to}, {frames * 8}, {self.calls});")

    def user_stack(self, to: str, frames: int) -> None:
        """Generate the reading of the current process's stack."""
        self.needs.add("stack")
        self.writer.line(f"user_stack_read(f, {to}, {frames * 8});")

    def next_action(self) -> None:
        """What the last action kept in temporaries is not needed any more."""
        self.strings.next_action()
        self.memory.next_action()

    # Effects and numbers

    def effect(self, node: typed.Expr) -> None:
        """Generate an expression for what it does."""
        match node:
            case typed.Assign() | typed.Update() if not is_memory(node.type):
                self.storage.change(node)
            case typed.Store(target=typed.Part(), type=IntType() | PointerType()):
                self.memory.store(node)
            case typed.Convert(operand=operand):
                self.effect(operand)
            case typed.Comma(left=left, right=right):
                self.effect(left)
                self.effect(right)
            case typed.Translated(operand=operand):
                self.effect(operand)
            case typed.Store(target=typed.Load()):
                scratch.store(self, node)
            case typed.Store(type=StringType()):
                self.memory.store_value(node)
            case _ if isinstance(node.type, StringType):
                self.strings.buffer(node)
            case _ if is_memory(node.type):
                self.memory.value(node)
            case _:
                self.number(node)

    def number(self, node: typed.Expr) -> Number:
        """The value of an integer or pointer."""
        number = self._number(node)
        if number.text.isidentifier() or len(number.text) >= _LONG:
            self._held += 1
            return self.save(number) if self._held <= _FEW else self.spilled(number)
        return number

    def _number(self, node: typed.Expr) -> Number:
        match node:
            case typed.Const(value=value):
                return constant(value, not isinstance(node.type, IntType) or not node.type.signed)
            case typed.Read():
                return builtins.number(self, node.builtin.name)
            case typed.Value():
                return self.storage.number(node)
            case typed.Load():
                return self._load(node)
            case typed.Unary(op=op, operand=operand):
                number = self.number(operand)
                return Number(f"{op}{number.as_(joint(number))}", joint(number), loose=True)
            case typed.Arithmetic():
                left, right = self.pair(node.left, node.right)
                return arithmetic(self, node.op, left, right, node.type)
            case typed.Compare():
                left, right = self.pair(node.left, node.right)
                return compare(node.op, left, right, node.signed)
            case typed.CompareStrings():
                return self.strings.compare(node)
            case typed.Not(operand=operand):
                return Number(f"!{self.number(operand)}", "int", loose=True)
            case typed.Logical():
                return logical(self, node)
            case typed.Conditional():
                return conditional(self, node)
            case typed.Comma(left=left_node, right=right_node):
                self.effect(left_node)
                return self.number(right_node)
            case typed.Convert(operand=operand):
                return self._convert(operand, node.type)
            case typed.Assign() | typed.Update():
                return self.storage.change(node, wanted=True)
            case typed.Characters(string=string):
                return self.strings.characters(string)
            case typed.Part():
                return self.memory.number(node)
            case typed.Within():
                return self.memory.within(node)
            case typed.Call():
                self.environment.destructive |= node.subroutine.name in DESTRUCTIVE
                return _CALLS[node.subroutine.name](self, node)
            case typed.Store(target=typed.Load()):
                return scratch.store(self, node)
            case typed.Store():
                return self.memory.store(node, wanted=True)
            case typed.Argument():
                return cut(surroundings.argument(self, node), node.type)
            case typed.Element(builtin=builtin):
                return builtins.register(self, node) if builtin.name == "uregs" else surroundings.file(self, node)
            case typed.SymbolAddress():
                return surroundings.symbol(self, node)
            case typed.Text() | typed.StringAt() | typed.Translated() | typed.Built():
                raise AssertionError(f"{type(node).__name__} is no number")
        assert_never(node)

    def pair(self, left: typed.Expr, right: typed.Expr) -> tuple[Number, Number]:
        """Two operands, left one first: it is saved if evaluating the right one changes a variable."""
        first, effects = self.number(left), self.effects
        with self.writer.aside() as lines:
            second = self.number(right)
        if self.effects != effects:
            first = self.save(first)
        self.writer.lines += lines
        return first, second

    def operand(self, node: typed.Expr) -> Number | Buffer:
        """A string, or a number that stays what it is."""
        return self.strings.buffer(node) if isinstance(node.type, StringType) else self.save(self.number(node))

    def keys(self, nodes: tuple[typed.Expr, ...]) -> list[Number | Buffer]:
        """The keys of an element, left to right: each stays what it was when it was evaluated."""
        if not nodes:
            return []
        first, effects = self.operand(nodes[0]), self.effects
        with self.writer.aside() as lines:
            rest = self.keys(nodes[1:])
        if self.effects != effects and isinstance(first, Buffer) and first.changes:
            first = self.strings.copied(first)
        self.writer.lines += lines
        return [first, *rest]

    def save(self, number: Number) -> Number:
        """The number in a C variable of its own, unless it is a constant or already in one."""
        if number.constant is not None or number.text.isidentifier() or _SPILLED.fullmatch(number.text):
            return number
        self._held += 1
        if self._held > _FEW:
            return self.spilled(number)
        name = self.writer.fresh()
        self.writer.line(f"{joint(number)} {name} = {number.text};")
        return Number(name, joint(number))

    def spilled(self, number: Number) -> Number:
        """The number in the frame, where there is room for more than on BPF's stack of 512 bytes."""
        self._spills += 1
        self.environment.spills = max(self.environment.spills, self._spills)
        self.writer.line(f"SPILL({self._spills - 1}, {number.text});")
        return Number(f"SPILLED({self._spills - 1})")

    def _load(self, node: typed.Load) -> Number:
        address = self.number(node.address)
        name = self.writer.fresh()
        self.writer.line(f"{storage_type(node.type)} {name};")
        self.writer.line(f"{loading(node.address)}({name}, {address.text});")
        return stored(name, node.type, node.bits)

    def _convert(self, operand: typed.Expr, kind: Type) -> Number:
        if isinstance(kind, VoidType):
            self.effect(operand)
            return constant(0)
        if is_memory(operand.type):
            return self.memory.address(operand)
        number = self.number(operand)
        return number if holds(kind, operand) else cut(number, kind)
