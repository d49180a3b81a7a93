"""Expressions in C. What cannot be said in one C expression becomes statements before it, in D's order of evaluation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import assert_never

from dtrace_py.codegen import builtins, destructive, scratch, speculations, subroutines, surroundings
from dtrace_py.codegen.dynamic import is_memory
from dtrace_py.codegen.environment import Environment
from dtrace_py.codegen.memory import Memory, bit_field
from dtrace_py.codegen.operands import NULL, WALL_CLOCK, Buffer, Number, constant, literal, loading, padded
from dtrace_py.codegen.variables import Storage, storage_type
from dtrace_py.codegen.writer import Writer
from dtrace_py.lang import typed
from dtrace_py.lang.tables.subroutines import DESTRUCTIVE
from dtrace_py.lang.types import IntType, PointerType, StringType, Type, VoidType
from dtrace_py.record import changed

_NAMES = {"probeprov": 0, "probemod": 1, "probefunc": 2, "probename": 3}

_BUILTINS = {
    "cpu": Number("f->cpu", "int"),
    "curthread": Number("bpf_get_current_task()", "u64"),
    "epid": Number("enabling_id(f, enabling)", "int"),
    "errno": Number("f->error"),
    "gid": Number("bpf_get_current_uid_gid() >> 32", "u64", loose=True),
    "id": Number("probe_id(f)", "int"),
    "pid": Number("bpf_get_current_pid_tgid() >> 32", "u64", loose=True),
    "tid": Number("(u32)bpf_get_current_pid_tgid()", "int", loose=True),
    "timestamp": Number("timestamp", "u64"),
    "uid": Number("(u32)bpf_get_current_uid_gid()", "int", loose=True),
    "vtimestamp": Number("vtimestamp(f)", "u64"),
    "walltimestamp": WALL_CLOCK,
}
_NEEDS = {"epid": "epid", "id": "names", "errno": "errno", "vtimestamp": "vtimestamp"}
_NEEDS |= {"timestamp": "timestamp", "walltimestamp": "timestamp"}

_CALLS = {**scratch.NUMBERS, **destructive.NUMBERS, **builtins.NUMBERS, **speculations.NUMBERS, **subroutines.NUMBERS}
"""What generates calls of subroutines that give a number, or nothing."""

_TEXT_CALLS = {**scratch.TEXTS, **builtins.TEXTS, **subroutines.TEXTS}
"""The same of those that give a string."""

_SHORT = 4
"""Words up to which strings are compared in place, rather than by a loop."""

_CHAIN = 8
"""Conditionals in a row up to which they nest in C too."""

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
        self.storage = Storage(self)
        self.memory = Memory(self)
        self.effects = 0
        """How many changes of D variables have been generated: what was read before one may be stale after it."""
        self._texts = self._pinned = 0
        self._held = 0
        self._spills = 0

    def stack(self, to: str, frames: int) -> None:
        """Generate the reading of the kernel's stack."""
        self.needs.add("stack")
        self.writer.line(f"stack_read(f, {to}, {frames * 8}, {self.calls});")

    def user_stack(self, to: str, frames: int) -> None:
        """Generate the reading of the current process's stack."""
        self.needs.add("stack")
        self.writer.line(f"user_stack_read(f, {to}, {frames * 8});")

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
                self.buffer(node)
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
                return self._read(node)
            case typed.Value():
                return self.storage.number(node)
            case typed.Load():
                return self._load(node)
            case typed.Unary(op=op, operand=operand):
                number = self.number(operand)
                ctype = "u64" if number.ctype == "u64" else "s64"
                return Number(f"{op}{number.as_(ctype)}", ctype, loose=True)
            case typed.Arithmetic():
                left, right = self.pair(node.left, node.right)
                return self.arithmetic(node.op, left, right, node.type)
            case typed.Compare():
                left, right = self.pair(node.left, node.right)
                return compare(node.op, left, right, node.signed)
            case typed.CompareStrings():
                return self._compare_strings(node)
            case typed.Not(operand=operand):
                return Number(f"!{self.number(operand)}", "int", loose=True)
            case typed.Logical():
                return self._logical(node)
            case typed.Conditional():
                return self._conditional(node)
            case typed.Comma(left=left_node, right=right_node):
                self.effect(left_node)
                return self.number(right_node)
            case typed.Convert(operand=operand):
                return self._convert(operand, node.type)
            case typed.Assign() | typed.Update():
                return self.storage.change(node, wanted=True)
            case typed.Characters(string=string):
                return self._characters(string)
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
                return self._cut(surroundings.argument(self, node), node.type)
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

    def save(self, number: Number) -> Number:
        """The number in a C variable of its own, unless it is a constant or already in one."""
        if number.constant is not None or number.text.isidentifier() or _SPILLED.fullmatch(number.text):
            return number
        self._held += 1
        if self._held > _FEW:
            return self.spilled(number)
        name = self.writer.fresh()
        ctype = "u64" if number.ctype == "u64" else "s64"
        self.writer.line(f"{ctype} {name} = {number.text};")
        return Number(name, ctype)

    def spilled(self, number: Number) -> Number:
        """The number in the frame, where there is room for more than on BPF's stack of 512 bytes."""
        self._spills += 1
        self.environment.spills = max(self.environment.spills, self._spills)
        self.writer.line(f"SPILL({self._spills - 1}, {number.text});")
        return Number(f"SPILLED({self._spills - 1})")

    def _read(self, node: typed.Read) -> Number:
        name = node.builtin.name
        if name.startswith("arg"):
            self.environment.needs.add(name)
            return Number(f"f->{name}")
        if name in _NEEDS:
            self.needs.add(_NEEDS[name])
        if name == "ppid":
            return self._parent()
        if (number := builtins.read(self, name)) is not None:
            return number
        if name in surroundings.CPU:
            return surroundings.cpu(self, name)
        return _BUILTINS[name]

    def _parent(self) -> Number:
        """real_parent->tgid (B20)."""
        offset, task = self.environment.target.offset, "struct task_struct"
        parent, tgid = self.writer.fresh(), self.writer.fresh()
        self.writer.line(f"u64 {parent};")
        self.writer.line(f"LOAD({parent}, bpf_get_current_task() + {offset(task, 'real_parent')});")
        self.writer.line(f"s32 {tgid};")
        self.writer.line(f"LOAD({tgid}, {parent} + {offset(task, 'tgid')});")
        return Number(tgid, "int")

    def _load(self, node: typed.Load) -> Number:
        address = self.number(node.address)
        name = self.writer.fresh()
        self.writer.line(f"{storage_type(node.type)} {name};")
        self.writer.line(f"{loading(node.address)}({name}, {address.text});")
        return self.extracted(self.as_loaded(name, node.type), node)

    def as_loaded(self, name: str, kind: Type) -> Number:
        """A C variable that holds a value as memory does."""
        ctype = storage_type(kind)
        return Number(name, ctype if ctype in ("s64", "u64") else "int")

    def extracted(self, name: Number, node: typed.Load) -> Number:
        """What was loaded, or the bit-field in it."""
        if node.bits is None:
            return name
        return bit_field(name.text, node.type, node.bits)

    def arithmetic(self, op: str, left: Number, right: Number, kind: Type) -> Number:
        """``left op right`` as the type's sign says."""
        signed = isinstance(kind, IntType) and kind.signed
        if op in ("/", "%"):
            return self._divide(op, left, right, signed)
        if op in ("<<", ">>"):
            count = right.text if right.constant is not None else f"({right} & 63)"
            if right.constant is not None and not 0 <= right.constant < 64:
                count = str(right.constant & 63)
            if op == "<<":
                return Number(f"{left.as_('u64')} << {count}", "u64", loose=True)
            ctype = "s64" if signed else "u64"
            return Number(f"{left.as_(ctype)} >> {count}", ctype, loose=True)
        ctype = "u64" if "u64" in (left.ctype, right.ctype) else "s64"
        known = (
            left.constant is not None and right.constant is not None
        )  # what assignments were found to store: ints in C
        return Number(f"{left.as_(ctype) if known else left.wide} {op} {right.wide}", ctype, loose=True)

    def _divide(self, op: str, left: Number, right: Number, signed: bool) -> Number:
        if not right.constant:  # 0 is one that an assignment was found to store
            left, right = self.save(left), self.save(right)
            self.writer.line(f"CHECK_DIVISOR({right.text});")
        if signed:
            function = "signed_divide" if op == "/" else "signed_modulo"
            return Number(f"{function}({left.text}, {right.text})")
        return Number(f"{left.as_('u64')} {op} {right.as_('u64')}", "u64", loose=True)

    def _convert(self, operand: typed.Expr, kind: Type) -> Number:
        if isinstance(kind, VoidType):
            self.effect(operand)
            return constant(0)
        if is_memory(operand.type):
            return self.memory.address(operand)
        number = self.number(operand)
        return number if holds(kind, operand) else self._cut(number, kind)

    def _cut(self, number: Number, kind: Type) -> Number:
        """A number as one of that type."""
        ctype = storage_type(kind)
        return Number(f"({ctype}){number}", ctype if ctype in ("s64", "u64") else "int")

    # Control flow inside expressions

    def _logical(self, node: typed.Logical) -> Number:
        if node.op == "^^":
            left, right = self.pair(node.left, node.right)
            return Number(f"!{left} != !{right}", "int", loose=True)
        left = self.number(node.left)
        name = self.writer.fresh()
        with self.writer.aside(deeper=True) as lines:
            right = self.number(node.right)
            result = f"{name} = {right} != 0;"
            pure = not self.writer.lines
            self.writer.line(result)
        if pure:
            return Number(f"{left} {node.op} {right}", "int", loose=True)
        conjunction = node.op == "&&"
        self.writer.line(f"int {name} = {0 if conjunction else 1};")
        self.writer.branch(left.text if conjunction else f"!{left}", lines)
        return Number(name, "int")

    def _conditional(self, node: typed.Conditional) -> Number:
        name = self.writer.fresh()
        if _chained(node) > _CHAIN:
            self.writer.line(f"s64 {name};")
            self.choose(node, lambda arm: self.writer.line(f"{name} = {self.number(arm).text};"))
            return Number(name)
        condition = self.number(node.condition)
        arms: list[list[str]] = []
        numbers: list[Number] = []
        for arm in (node.yes, node.no):
            with self.writer.aside(deeper=True) as lines:
                numbers.append(self.number(arm))
                self.writer.line(f"{name} = {numbers[-1].text};")
            arms.append(lines)
        if all(len(lines) == 1 for lines in arms):
            ctype = "u64" if "u64" in (numbers[0].ctype, numbers[1].ctype) else "s64"
            text = f"{condition} ? {numbers[0].as_(ctype)} : {numbers[1].as_(ctype)}"
            return Number(text, ctype, loose=True)
        self.writer.line(f"s64 {name};")
        self.writer.branch(condition.text, *arms)
        return Number(name)

    def choose(self, node: typed.Expr, arm: Callable[[typed.Expr], None]) -> None:
        """Generate a chain of conditionals without nesting; ``arm`` generates an arm."""
        end = self.writer.fresh("chosen")
        while isinstance(node, typed.Conditional):
            condition = self.number(node.condition)
            with self.writer.aside(deeper=True) as lines:
                arm(node.yes)
                self.writer.line(f"goto {end};")
            self.writer.branch(condition.text, lines)
            node = node.no
        arm(node)
        self.writer.line(f"{end}:;")

    # Strings

    def text(self) -> str:
        """A string temporary: C text of its address. It lasts to the end of the action."""
        self._texts += 1
        self.environment.texts = max(self.environment.texts, self._texts)
        return f"f->frame->temporaries.text[{self._texts - 1}]"

    def buffer(self, node: typed.Expr) -> Buffer:
        """The value of a string."""
        match node:
            case typed.Text(value=value):
                return literal(value, self.environment.target.strsize)
            case typed.Const():
                return NULL
            case typed.Read(builtin=builtin):
                return self._text_of(builtin.name)
            case typed.Value():
                return self.storage.buffer(node)
            case typed.StringAt():
                return self._string_at(node)
            case typed.Conditional():
                return self._string_conditional(node)
            case typed.Comma(left=left, right=right):
                self.effect(left)
                return self.buffer(right)
            case typed.Assign():
                return self.storage.change_string(node)
            case typed.Load() | typed.Part() | typed.Store():
                return self._string_in(node)
            case typed.Call():
                return _TEXT_CALLS[node.subroutine.name](self, node)
        raise AssertionError(f"{type(node).__name__} is no string")

    def buffers(self, left: typed.Expr, right: typed.Expr) -> tuple[Buffer, Buffer]:
        """Two strings, left one first: it is copied if evaluating the right one changes a variable."""
        first, effects = self.buffer(left), self.effects
        with self.writer.aside() as lines:
            second = self.buffer(right)
        if self.effects != effects and first.changes:
            first = self.copied(first)
        self.writer.lines += lines
        return first, second

    def keys(self, nodes: tuple[typed.Expr, ...]) -> list[Number | Buffer]:
        """The keys of an element, left to right: each stays what it was when it was evaluated."""
        if not nodes:
            return []
        first = self.buffer(nodes[0]) if isinstance(nodes[0].type, StringType) else self.save(self.number(nodes[0]))
        effects = self.effects
        with self.writer.aside() as lines:
            rest = self.keys(nodes[1:])
        if self.effects != effects and isinstance(first, Buffer) and first.changes:
            first = self.copied(first)
        self.writer.lines += lines
        return [first, *rest]

    def next_action(self) -> None:
        """What the last action kept in temporaries is not needed any more."""
        self._texts = self._pinned
        self.memory.next_action()

    def copied(self, source: Buffer) -> Buffer:
        """The same string in a temporary of its own."""
        source = self.kept(source)
        copy = Buffer(self.text(), source.size, null=source.null)
        self.copy(copy.text, copy.size, source)
        return copy

    def kept(self, source: Buffer) -> Buffer:
        """The same string; whether it is NULL is known from here on, even if a variable changes."""
        if not source.null or not source.changes:
            return source
        return changed(source, null=self.save(Number(source.null, "int")).text)

    def full(self, source: Buffer) -> Buffer:
        """The same string in memory of full size."""
        if source.literal is None and source.size == self.environment.bound:
            return source
        full = Buffer(self.text(), self.environment.bound, null=source.null)
        self.copy(full.text, full.size, source)
        return full

    def copy(self, to: str, size: int, source: Buffer) -> None:
        """Generate a copy of a string into the ``size`` bytes at ``to``."""
        if source.literal is None:
            self.writer.line(f"string_copy({to}, {size}, {source.text}, {source.size});")
            return
        assert source.literal is not None
        cut = literal(source.literal, size)
        for number in range(cut.size // 8):
            self.writer.line(f"WORD({to}, {number}) = {cut.word(number)};")
        if cut.size < size:
            self.writer.line(f"string_clear({to} + {cut.size}, {size - cut.size});")

    def _text_of(self, name: str) -> Buffer:
        if name in ("cwd", "root"):
            return builtins.directory(self, name)
        to, limit = self.text(), self.environment.target.strsize
        if name == "execname":
            size = min(16, padded(limit))
            self.writer.line(f"bpf_get_current_comm({to}, {size});")
        else:
            self.needs.add("names")
            size = min(self.environment.names[name], padded(limit))
            self.writer.line(f"probe_text(f, {_NAMES[name]}, {to}, {size});")
        for excess in range(limit - 1, size):
            self.writer.line(f"{to}[{excess}] = 0;")
        return Buffer(to, size)

    def _string_in(self, node: typed.Load | typed.Part | typed.Store) -> Buffer:
        """A string that is a member of something."""
        to, size, limit = self.text(), self.environment.bound, self.environment.target.strsize
        if isinstance(node, typed.Load):
            load, address = loading(node.address), self.number(node.address)
            self.writer.line(f"{load}_STRING({to}, {size}, {limit}, {address.text});")
        else:
            place = self.memory.value(node)
            self.writer.line(f"COPY_STRING({to}, {size}, {limit}, {place});")
        return Buffer(to, size)

    def _string_at(self, node: typed.StringAt) -> Buffer:
        address = self.number(node.address)
        to, size = self.text(), self.environment.bound
        limit = min(node.limit + 1 if node.limit else size, self.environment.target.strsize)
        self.writer.line(f"{loading(node.address)}_STRING({to}, {size}, {limit}, {address.text});")
        return Buffer(to, size)

    def _characters(self, node: typed.Expr) -> Number:
        """The address of a string's text, a number like any other: it lasts to the end of the clause (S7)."""
        source = self.full(self.buffer(node))
        self._pinned = self._texts
        address = self.spilled(Number(f"(u64){source.text}", "u64"))
        return Number(f"{source.null} ? 0 : {address}", "u64", loose=True) if source.null else address

    def _string_conditional(self, node: typed.Conditional) -> Buffer:
        to, size, null = self.text(), self.environment.bound, self.writer.fresh("null")
        at, nullable = len(self.writer.lines), False

        def choose(arm: typed.Expr) -> None:
            nonlocal nullable
            value = self.buffer(arm)
            self.copy(to, size, value)
            if value.null:
                nullable = True
                self.writer.line(f"{null} = {value.null};")

        self.choose(node, choose)
        if not nullable:
            return Buffer(to, size)
        with self.writer.aside() as lines:
            self.writer.line(f"u64 {null} = 0;")
        self.writer.lines[at:at] = lines
        return Buffer(to, size, null=null)

    def _compare_strings(self, node: typed.CompareStrings) -> Number:
        left, right = self.buffers(node.left, node.right)
        words = max(left.size, right.size) // 8
        if node.op in ("==", "!=") and min(left.size, right.size) // 8 <= _SHORT:
            words = min(left.size, right.size) // 8 + (left.size != right.size)
            joint, equal = (" && ", "==") if node.op == "==" else (" || ", "!=")
            return Number(
                joint.join(f"{left.word(n)} {equal} {right.word(n)}" for n in range(words)), "int", loose=True
            )
        left, right = (self.copied(side) if side.literal is not None else side for side in (left, right))
        call = f"string_compare({left.text}, {left.size}, {right.text}, {right.size})"
        return Number(f"{call} {node.op} 0", "int", loose=True)


def _chained(node: typed.Expr) -> int:
    """How many conditionals follow one another, each the last arm of the one before."""
    count = 0
    while isinstance(node, typed.Conditional):
        node, count = node.no, count + 1
    return count


def compare(op: str, left: Number, right: Number, signed: bool) -> Number:
    """A comparison of integers, both sides as signed or as unsigned numbers (C5)."""

    def side(number: Number) -> str:
        if signed:
            return number.wide if number.ctype != "u64" else f"(s64){number}"
        if number.constant is not None and number.constant >= 0:
            return str(number)
        return number.wide if number.ctype == "u64" else f"(u64){number.wide}"

    return Number(f"{side(left)} {op} {side(right)}", "int", loose=True)


def holds(kind: Type, operand: typed.Expr) -> bool:
    """Whether the register that the operand is in already is a value of the type."""
    if not isinstance(kind, IntType) or kind.size == 8:
        return True
    if isinstance(operand, typed.Arithmetic | typed.Unary | typed.Conditional | typed.Comma | typed.Update):
        return False  # C1: their registers may hold more than their type
    source = operand.type
    if not isinstance(source, IntType):
        return False
    if source.size < kind.size:
        return not source.signed or kind.signed
    return source.size == kind.size and source.signed == kind.signed
