"""Typed expressions and statements: what the checks make of a syntax tree, and all that the generator knows of D.

Every expression carries its D type. Integers live in 64-bit registers (C1); conversions that lose bits are explicit.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from dtrace_py.lang.definitions import Translator
from dtrace_py.lang.formats import Format
from dtrace_py.lang.program import Aggregation, Variable
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import Action
from dtrace_py.lang.tables.subroutines import Subroutine
from dtrace_py.lang.tables.variables import Builtin
from dtrace_py.lang.types import Type
from dtrace_py.record import changed, record, values

# Expressions


@record
class Typed:
    type: Type
    span: Span


@record
class Const(Typed):
    value: int


@record
class Text(Typed):
    """A string constant."""

    value: str


@record
class Read(Typed):
    """The value of a built-in variable."""

    builtin: Builtin


@record
class Value(Typed):
    """The value of a D variable; ``keys`` are the index expressions of an associative array, converted to its types."""

    variable: Variable
    keys: tuple[Expr, ...] = ()


@record
class Load(Typed):
    """What kernel memory holds at an address, as ``type``; ``bits`` is (shift, width) of a bit-field in it."""

    address: Expr
    bits: tuple[int, int] | None = None


@record
class Unary(Typed):
    """``-`` or ``~``."""

    op: str
    operand: Expr


@record
class Arithmetic(Typed):
    """``+ - * / % & | ^ << >>`` on 64-bit integers; signed or unsigned by its type."""

    op: str
    left: Expr
    right: Expr


@record
class Compare(Typed):
    """``< <= > >= == !=`` of integers or pointers; ``signed`` says how (C5)."""

    op: str
    left: Expr
    right: Expr
    signed: bool


@record
class CompareStrings(Typed):
    """The same of two strings (S4)."""

    op: str
    left: Expr
    right: Expr


@record
class Not(Typed):
    operand: Expr


@record
class Logical(Typed):
    """``&& ||`` (short-circuit) and ``^^``."""

    op: str
    left: Expr
    right: Expr


@record
class Conditional(Typed):
    condition: Expr
    yes: Expr
    no: Expr


@record
class Comma(Typed):
    left: Expr
    right: Expr


@record
class Convert(Typed):
    """The operand cut or extended to an integer or pointer type."""

    operand: Expr


@record
class StringAt(Typed):
    """The string at a kernel address, at most ``limit`` bytes of memory (a char array's size; 0: strsize)."""

    address: Expr
    limit: int = 0


@record
class Assign(Typed):
    """``target = value``: the value is already of the target's type."""

    target: Value
    value: Expr


@record
class Update(Typed):
    """``target op= value`` and the steps: the keys are evaluated once. ``postfix`` yields the old value."""

    op: str
    target: Value
    value: Expr
    postfix: bool = False


@record
class Call(Typed):
    """A call of a subroutine; the arguments are of its parameters' types."""

    subroutine: Subroutine
    arguments: tuple[Expr, ...]


@record
class Argument(Typed):
    """``args[index]``, before translation."""

    index: int


@record
class Element(Typed):
    """``uregs[index]``; or what ``fds[index]`` is translated from, the file of that number or 0."""

    builtin: Builtin
    index: Expr


@record
class SymbolAddress(Typed):
    """The address of a symbol of the kernel, ``module`symbol`` or ```symbol``, or of a process, with two backquotes; its value is
    a Load of it."""

    name: str
    size: int
    """Bytes of what is there."""
    address: int
    per_cpu: bool
    """Whether it is an offset from where each CPU has its own."""


@record
class Translated(Typed):
    """What a translator makes, or the address of that: its members are read, never this (D8)."""

    translator: Translator
    operand: Expr
    pointer: bool


@record
class Member:
    """A member of a structure that is made: where it goes, as what, and its value; ``bits`` as in Load."""

    offset: int
    type: Type
    bits: tuple[int, int] | None
    value: Expr


@record
class Built(Typed):
    """A translated structure as a whole; what its translator does not mention is zero (T12)."""

    members: tuple[Member, ...]


@record
class Part(Typed):
    """A member or element of a structure or array that is a D value, ``offset`` bytes from its start; ``bits`` as in Load."""

    base: Expr
    offset: Expr
    bits: tuple[int, int] | None = None


@record
class Within(Typed):
    """An index of such an array, which has ``count`` elements: there is a fault if it is not one of them (F11)."""

    index: Expr
    count: int


@record
class Characters(Typed):
    """The characters of a string in memory, for ``s[i]`` and ``s + 1`` (S7)."""

    string: Expr


@record
class Store(Typed):
    """A write into memory of the clause's own (V11) or into a part of a variable. ``op`` and ``postfix`` as in Update."""

    target: Load | Part
    op: str | None
    """None for a plain assignment."""
    value: Expr
    postfix: bool = False


Expr = (
    Const
    | Text
    | Read
    | Value
    | Load
    | Unary
    | Arithmetic
    | Compare
    | CompareStrings
    | Not
    | Logical
    | Conditional
    | Comma
    | Convert
    | StringAt
    | Assign
    | Update
    | Call
    | Argument
    | Element
    | SymbolAddress
    | Translated
    | Built
    | Part
    | Within
    | Characters
    | Store
)


def moved(node: Expr, place: Span, kept: tuple[Expr, ...]) -> Expr:
    """A copy that is in another place, but for the parts that are kept."""
    if any(node is each for each in kept):
        return node
    parts: dict[str, object] = {"span": place}
    for name, part in zip(node.__match_args__, values(node), strict=True):
        if isinstance(part, Typed):
            parts[name] = moved(part, place, kept)  # type: ignore[arg-type]
        elif isinstance(part, tuple) and name in ("keys", "arguments"):
            parts[name] = tuple(moved(each, place, kept) for each in part)
        elif isinstance(part, tuple) and name == "members":
            parts[name] = tuple(changed(each, value=moved(each.value, place, kept)) for each in part)
    return changed(node, **parts)


@record
class StackKey:
    """stack() as a key or a statement: ``frames`` deep."""

    frames: int
    type: Type
    span: Span


@record
class SymbolKey:
    """sym(), func() or mod() of a kernel address."""

    what: str
    address: Expr
    type: Type
    span: Span


@record
class UserStackKey:
    """ustack() or jstack(): ``frames`` deep, with ``strings`` bytes of room for the names that a runtime tells (A7)."""

    frames: int
    strings: int
    type: Type
    span: Span


@record
class UserSymbolKey:
    """usym(), ufunc(), umod() or uaddr() of an address of the current process."""

    what: str
    address: Expr
    type: Type
    span: Span


RecordedKey = StackKey | SymbolKey | UserStackKey | UserSymbolKey
Key = Expr | RecordedKey


# Statements


class Acts:
    """A statement. ``records`` says whether it leaves a record, and so a line of output (P22); ``speculates`` whether it is
    speculate(), which is also a way to do so when it is alone."""

    __slots__ = ()

    @property
    def records(self) -> bool:
        return True

    @property
    def speculates(self) -> bool:
        return False


@record
class Evaluate(Acts):
    """An expression for its effect."""

    value: Expr

    @property
    def records(self) -> bool:
        return False


@record
class Aggregate(Acts):
    """``@name[keys] = function(arguments)``."""

    aggregation: Aggregation
    keys: tuple[Key, ...]
    arguments: tuple[Expr, ...]

    @property
    def records(self) -> bool:
        return False


@record
class Trace(Acts):
    value: Expr


@record
class Record(Acts):
    """stack(), sym(), func() or mod() as a statement."""

    value: RecordedKey


@record
class Printf(Acts):
    format: Format
    arguments: tuple[Expr, ...]


@record
class Printa(Acts):
    format: Format | None
    aggregations: tuple[Aggregation, ...]


@record
class Clear(Acts):
    aggregation: Aggregation


@record
class Trunc(Acts):
    aggregation: Aggregation
    limit: Expr | None


@record
class Normalize(Acts):
    """normalize(), or with no divisor denormalize()."""

    aggregation: Aggregation
    divisor: Expr | None


@record
class Exit(Acts):
    status: Expr


@record
class Speculate(Acts):
    """What follows in the clause belongs to a speculation."""

    id: Expr

    @property
    def records(self) -> bool:
        return False

    @property
    def speculates(self) -> bool:
        return True


@record
class Settle(Acts):
    """commit() or discard() of a speculation."""

    commits: bool
    id: Expr

    @property
    def records(self) -> bool:
        return False


@record
class Perform(Acts):
    """An action that is all told by its arguments: raise(), setopt(), tracemem(), print() ..."""

    action: Action
    arguments: tuple[Expr, ...]

    @property
    def records(self) -> bool:
        return self.action.records


@record
class Command(Acts):
    """system() or freopen(): a text that the consumer formats and acts on."""

    action: Action
    format: Format
    arguments: tuple[Expr, ...]


@record
class If(Acts):
    """``if (condition) yes else no`` (P30)."""

    condition: Expr
    yes: tuple[Statement, ...]
    no: tuple[Statement, ...]

    @property
    def records(self) -> bool:
        return any(statement.records for statement in (*self.yes, *self.no))


Statement = (
    Evaluate
    | Aggregate
    | Trace
    | Record
    | Printf
    | Printa
    | Clear
    | Trunc
    | Normalize
    | Exit
    | Speculate
    | Settle
    | Perform
    | Command
    | If
)


def blocks(statements: tuple[Statement, ...]) -> Iterator[tuple[Statement, ...]]:
    """The basic blocks of a clause, in program order: every stretch of statements that no ``if`` interrupts (P30)."""
    for branches, stretch in groupby(statements, lambda statement: isinstance(statement, If)):
        if not branches:
            yield tuple(stretch)
            continue
        for each in stretch:
            assert isinstance(each, If)
            yield from blocks(each.yes)
            yield from blocks(each.no)
