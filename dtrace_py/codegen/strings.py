"""Strings in C: buffers, each in memory of its own or where a variable is, and copies of them (contract S1 to S10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen import builtins, kernel_objects, scratch, subroutines
from dtrace_py.codegen.conditionals import choose
from dtrace_py.codegen.operands import NULL, Buffer, Number, literal, loading
from dtrace_py.lang import typed
from dtrace_py.record import changed

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions

_CALLS = {**scratch.TEXTS, **kernel_objects.TEXTS, **subroutines.TEXTS}
"""What generates calls of subroutines that give a string."""

_SHORT = 4
"""Words up to which strings are compared in place, rather than by a loop."""


class Strings:
    """The strings of one clause function."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.environment = expressions.environment
        self.writer = expressions.writer
        self._temporaries = self._pinned = 0

    def next_action(self) -> None:
        """What the last action kept in temporaries is not needed any more."""
        self._temporaries = self._pinned

    # Values

    def buffer(self, node: typed.Expr) -> Buffer:
        """The value of a string."""
        match node:
            case typed.Text(value=value):
                return literal(value, self.environment.target.strsize)
            case typed.Const():
                return NULL
            case typed.Read(builtin=builtin):
                return builtins.text(self.expressions, builtin.name)
            case typed.Value():
                return self.expressions.storage.buffer(node)
            case typed.StringAt():
                return self._at_address(node)
            case typed.Conditional():
                return self._conditional(node)
            case typed.Comma(left=left, right=right):
                self.expressions.effect(left)
                return self.buffer(right)
            case typed.Assign():
                return self.expressions.storage.change_string(node)
            case typed.Load() | typed.Part() | typed.Store():
                return self._in_memory(node)
            case typed.Call():
                return _CALLS[node.subroutine.name](self.expressions, node)
        raise AssertionError(f"{type(node).__name__} is no string")

    def _in_memory(self, node: typed.Load | typed.Part | typed.Store) -> Buffer:
        """A string that is a member of something."""
        to, size, limit = self.temporary(), self.environment.bound, self.environment.target.strsize
        if isinstance(node, typed.Load):
            load, address = loading(node.address), self.expressions.number(node.address)
            self.writer.line(f"{load}_STRING({to}, {size}, {limit}, {address.text});")
        else:
            place = self.expressions.memory.value(node)
            self.writer.line(f"COPY_STRING({to}, {size}, {limit}, {place});")
        return Buffer(to, size)

    def _at_address(self, node: typed.StringAt) -> Buffer:
        address = self.expressions.number(node.address)
        to, size = self.temporary(), self.environment.bound
        limit = min(node.limit + 1 if node.limit else size, self.environment.target.strsize)
        self.writer.line(f"{loading(node.address)}_STRING({to}, {size}, {limit}, {address.text});")
        return Buffer(to, size)

    def _conditional(self, node: typed.Conditional) -> Buffer:
        to, size, null = self.temporary(), self.environment.bound, self.writer.fresh("null")
        at, nullable = len(self.writer.lines), False

        def fill(arm: typed.Expr) -> None:
            nonlocal nullable
            value = self.buffer(arm)
            self.copy(to, size, value)
            if value.null:
                nullable = True
                self.writer.line(f"{null} = {value.null};")

        choose(self.expressions, node, fill)
        if not nullable:
            return Buffer(to, size)
        with self.writer.aside() as lines:
            self.writer.line(f"u64 {null} = 0;")
        self.writer.lines[at:at] = lines
        return Buffer(to, size, null=null)

    # Memory

    def temporary(self) -> str:
        """A string temporary: C text of its address. It lasts to the end of the action."""
        self._temporaries += 1
        self.environment.texts = max(self.environment.texts, self._temporaries)
        return f"f->frame->temporaries.text[{self._temporaries - 1}]"

    def copied(self, source: Buffer) -> Buffer:
        """The same string in a temporary of its own."""
        source = self.kept(source)
        copy = Buffer(self.temporary(), source.size, null=source.null)
        self.copy(copy.text, copy.size, source)
        return copy

    def kept(self, source: Buffer) -> Buffer:
        """The same string; whether it is NULL is known from here on, even if a variable changes."""
        if not source.null or not source.changes:
            return source
        return changed(source, null=self.expressions.save(Number(source.null, "int")).text)

    def full(self, source: Buffer) -> Buffer:
        """The same string in memory of full size."""
        if source.literal is None and source.size == self.environment.bound:
            return source
        full = Buffer(self.temporary(), self.environment.bound, null=source.null)
        self.copy(full.text, full.size, source)
        return full

    def whole(self, node: typed.Expr) -> Buffer:
        """The value of a string, in memory of full size."""
        return self.full(self.buffer(node))

    def copy(self, to: str, size: int, source: Buffer) -> None:
        """Generate a copy of a string into the ``size`` bytes at ``to``."""
        if source.literal is None:
            self.writer.line(f"string_copy({to}, {size}, {source.text}, {source.size});")
            return
        cut = literal(source.literal, size)
        for number in range(cut.size // 8):
            self.writer.line(f"WORD({to}, {number}) = {cut.word(number)};")
        if cut.size < size:
            self.writer.line(f"string_clear({to} + {cut.size}, {size - cut.size});")

    # As numbers

    def compare(self, node: typed.CompareStrings) -> Number:
        """S4."""
        left, right = self._buffers(node.left, node.right)
        if node.op in ("==", "!=") and min(left.size, right.size) // 8 <= _SHORT:
            words = min(left.size, right.size) // 8 + (left.size != right.size)
            joint, equal = (" && ", "==") if node.op == "==" else (" || ", "!=")
            return Number(
                joint.join(f"{left.word(n)} {equal} {right.word(n)}" for n in range(words)), "int", loose=True
            )
        left, right = (self.copied(side) if side.literal is not None else side for side in (left, right))
        call = f"string_compare({left.text}, {left.size}, {right.text}, {right.size})"
        return Number(f"{call} {node.op} 0", "int", loose=True)

    def _buffers(self, left: typed.Expr, right: typed.Expr) -> tuple[Buffer, Buffer]:
        """Two strings, left one first: it is copied if evaluating the right one changes a variable."""
        first, effects = self.buffer(left), self.expressions.effects
        with self.writer.aside() as lines:
            second = self.buffer(right)
        if self.expressions.effects != effects and first.changes:
            first = self.copied(first)
        self.writer.lines += lines
        return first, second

    def characters(self, node: typed.Expr) -> Number:
        """The address of a string's text, a number like any other: it lasts to the end of the clause (S7)."""
        source = self.whole(node)
        self._pinned = self._temporaries
        address = self.expressions.spilled(Number(f"(u64){source.text}", "u64"))
        return Number(f"{source.null} ? 0 : {address}", "u64", loose=True) if source.null else address
