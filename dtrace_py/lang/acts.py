"""Typed statements: what a clause does, and with which expressions (typed.py)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from dtrace_py.lang.formats import Format
from dtrace_py.lang.program import Aggregation
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import Action
from dtrace_py.lang.typed import Expr
from dtrace_py.lang.types import Type
from dtrace_py.record import record

# What records something other than a value: stacks and symbols


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


class Act:
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
class Evaluate(Act):
    """An expression for its effect."""

    value: Expr

    records = False


@record
class Aggregate(Act):
    """``@name[keys] = function(arguments)``."""

    aggregation: Aggregation
    keys: tuple[Key, ...]
    arguments: tuple[Expr, ...]

    records = False


@record
class Trace(Act):
    value: Expr


@record
class Record(Act):
    """stack(), sym(), func() or mod() as a statement."""

    value: RecordedKey


@record
class Printf(Act):
    format: Format
    arguments: tuple[Expr, ...]


@record
class Printa(Act):
    format: Format | None
    aggregations: tuple[Aggregation, ...]


@record
class Clear(Act):
    aggregation: Aggregation


@record
class Trunc(Act):
    aggregation: Aggregation
    limit: Expr | None


@record
class Normalize(Act):
    """normalize(), or with no divisor denormalize()."""

    aggregation: Aggregation
    divisor: Expr | None


@record
class Exit(Act):
    status: Expr


@record
class Speculate(Act):
    """What follows in the clause belongs to a speculation."""

    id: Expr

    records = False
    speculates = True


@record
class Settle(Act):
    """commit() or discard() of a speculation."""

    commits: bool
    id: Expr

    records = False


@record
class Perform(Act):
    """An action that is all told by its arguments: raise(), setopt(), tracemem(), print() ..."""

    action: Action
    arguments: tuple[Expr, ...]

    @property
    def records(self) -> bool:
        return self.action.records


@record
class Command(Act):
    """system() or freopen(): a text that the consumer formats and acts on."""

    action: Action
    format: Format
    arguments: tuple[Expr, ...]


@record
class If(Act):
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
