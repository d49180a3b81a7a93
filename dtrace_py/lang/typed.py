"""The typed program: what the checks make of a syntax tree, and all that the generator knows of D.

Every expression carries its D type. Integers live in 64-bit registers (C1); conversions that lose bits are explicit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dtrace_py.lang.formats import Format
from dtrace_py.lang.source import Source, Span
from dtrace_py.lang.tables.stability import STABLE, Stability
from dtrace_py.lang.tables.variables import Builtin
from dtrace_py.lang.types import Type

# Things with names


@dataclass(frozen=True, slots=True)
class Variable:
    """A D variable. ``keys`` is None for a scalar; the type is fixed by its first assignment or its declaration (V7)."""

    scope: str
    """``global``, ``self`` or ``this``."""
    name: str
    type: Type
    keys: tuple[Type, ...] | None = None

    @property
    def dynamic(self) -> bool:
        """Whether its storage comes and goes: thread-local variables and associative arrays."""
        return self.keys is not None or self.scope == "self"

    def __str__(self) -> str:
        return (f"{self.scope}->" if self.scope != "global" else "") + self.name


@dataclass(frozen=True, slots=True)
class Linear:
    """The parameters of lquantize(): the first bound, the width of a step, the number of levels (G16)."""

    base: int
    step: int
    levels: int


@dataclass(frozen=True, slots=True)
class Aggregation:
    """An aggregation; ``keys`` are the types of its tuple, fixed by its first use (G2)."""

    name: str
    function: str
    keys: tuple[Type, ...]
    linear: Linear | None = None

    @property
    def bins(self) -> int:
        """How many counters a distribution has."""
        return self.linear.levels + 2 if self.linear else 127


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


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An expression for its effect: records nothing."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``@name[keys] = function(arguments)``."""

    aggregation: Aggregation
    keys: tuple[Key, ...]
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    value: Expr


@dataclass(frozen=True, slots=True)
class Record:
    """stack(), sym(), func() or mod() as a statement."""

    value: StackKey | SymbolKey


@dataclass(frozen=True, slots=True)
class Printf:
    format: Format
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Printa:
    format: Format | None
    aggregations: tuple[Aggregation, ...]


@dataclass(frozen=True, slots=True)
class Clear:
    aggregation: Aggregation


@dataclass(frozen=True, slots=True)
class Trunc:
    aggregation: Aggregation
    limit: Expr | None


@dataclass(frozen=True, slots=True)
class Normalize:
    """normalize(), or with no divisor denormalize()."""

    aggregation: Aggregation
    divisor: Expr | None


@dataclass(frozen=True, slots=True)
class Exit:
    status: Expr


Statement = Evaluate | Aggregate | Trace | Record | Printf | Printa | Clear | Trunc | Normalize | Exit


@dataclass(frozen=True, slots=True)
class Clause:
    """A checked clause. ``number`` counts from 1 over all programs, in program order."""

    number: int
    descriptions: tuple[str, ...]
    predicate: Expr | None
    statements: tuple[Statement, ...]
    span: Span
    source: Source
    stability: Stability = STABLE
    """The lowest stability of anything the clause names."""

    @property
    def records(self) -> bool:
        """Whether a firing leaves a record (P21, P22): an empty block does, one of plain effects does not."""
        return not self.statements or not all(isinstance(s, Evaluate | Aggregate) for s in self.statements)


@dataclass(slots=True)
class Program:
    """All sources together, in command-line order."""

    clauses: list[Clause] = field(default_factory=list)
    aggregations: list[Aggregation] = field(default_factory=list)
    """In order of first appearance, which is the order of automatic printing (G60)."""
    builtins: set[str] = field(default_factory=set)
    """The built-in variables that any clause names."""
    strsize: int = 256
