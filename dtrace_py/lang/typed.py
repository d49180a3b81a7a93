"""Typed expressions and statements: what the checks make of a syntax tree, and all that the generator knows of D.

Every expression carries its D type. Integers live in 64-bit registers (C1); conversions that lose bits are explicit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dtrace_py.lang.formats import Format
from dtrace_py.lang.program import Aggregation, Variable
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.variables import Builtin
from dtrace_py.lang.types import Type

# Expressions


@dataclass(frozen=True, slots=True)
class Typed:
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Const(Typed):
    value: int


@dataclass(frozen=True, slots=True)
class Text(Typed):
    """A string constant."""

    value: str


@dataclass(frozen=True, slots=True)
class Read(Typed):
    """The value of a built-in variable."""

    builtin: Builtin


@dataclass(frozen=True, slots=True)
class Value(Typed):
    """The value of a D variable; ``keys`` are the index expressions of an associative array, converted to its types."""

    variable: Variable
    keys: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Load(Typed):
    """What kernel memory holds at an address, as ``type``; ``bits`` is (shift, width) of a bit-field in it."""

    address: Expr
    bits: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Unary(Typed):
    """``-`` or ``~``."""

    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Arithmetic(Typed):
    """``+ - * / % & | ^ << >>`` on 64-bit integers; signed or unsigned by its type."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare(Typed):
    """``< <= > >= == !=`` of integers or pointers; ``signed`` says how (C5)."""

    op: str
    left: Expr
    right: Expr
    signed: bool


@dataclass(frozen=True, slots=True)
class CompareStrings(Typed):
    """The same of two strings (S4)."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Not(Typed):
    operand: Expr


@dataclass(frozen=True, slots=True)
class Logical(Typed):
    """``&& ||`` (short-circuit) and ``^^``."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Conditional(Typed):
    condition: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True, slots=True)
class Comma(Typed):
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Convert(Typed):
    """The operand cut or extended to an integer or pointer type."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class StringAt(Typed):
    """The string at a kernel address, at most ``limit`` bytes of memory (a char array's size; 0: strsize)."""

    address: Expr
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Assign(Typed):
    """``target = value``: the value is already of the target's type."""

    target: Value
    value: Expr


@dataclass(frozen=True, slots=True)
class Update(Typed):
    """``target op= value`` and the steps: the keys are evaluated once. ``postfix`` yields the old value."""

    op: str
    target: Value
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
)


@dataclass(frozen=True, slots=True)
class StackKey:
    """stack() as a key or a statement: ``frames`` deep."""

    frames: int
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class SymbolKey:
    """sym(), func() or mod() of a kernel address."""

    what: str
    address: Expr
    type: Type
    span: Span


Key = Expr | StackKey | SymbolKey


# Statements


class Acts:
    """A statement. ``records`` says whether it leaves a record, and so a line of output (P22)."""

    __slots__ = ()
    records: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Evaluate(Acts):
    """An expression for its effect."""

    records: ClassVar[bool] = False

    value: Expr


@dataclass(frozen=True, slots=True)
class Aggregate(Acts):
    """``@name[keys] = function(arguments)``."""

    records: ClassVar[bool] = False

    aggregation: Aggregation
    keys: tuple[Key, ...]
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Trace(Acts):
    value: Expr


@dataclass(frozen=True, slots=True)
class Record(Acts):
    """stack(), sym(), func() or mod() as a statement."""

    value: StackKey | SymbolKey


@dataclass(frozen=True, slots=True)
class Printf(Acts):
    format: Format
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Printa(Acts):
    format: Format | None
    aggregations: tuple[Aggregation, ...]


@dataclass(frozen=True, slots=True)
class Clear(Acts):
    aggregation: Aggregation


@dataclass(frozen=True, slots=True)
class Trunc(Acts):
    aggregation: Aggregation
    limit: Expr | None


@dataclass(frozen=True, slots=True)
class Normalize(Acts):
    """normalize(), or with no divisor denormalize()."""

    aggregation: Aggregation
    divisor: Expr | None


@dataclass(frozen=True, slots=True)
class Exit(Acts):
    status: Expr


Statement = Evaluate | Aggregate | Trace | Record | Printf | Printa | Clear | Trunc | Normalize | Exit
