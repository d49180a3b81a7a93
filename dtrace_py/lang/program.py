"""The checked program: its clauses, and the things in it that have names. What they are made of is in acts.py and typed.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from dtrace_py.lang.source import Source, Span
from dtrace_py.lang.tables.stability import STABLE, Stability

if TYPE_CHECKING:
    # A program that only names probes is not worth the time that loading the rest takes.
    from dtrace_py.lang.acts import Statement
    from dtrace_py.lang.definitions import DeclaredProvider
    from dtrace_py.lang.facts import TypeSource
    from dtrace_py.lang.typed import Expr
    from dtrace_py.lang.types import Type


class Variable(NamedTuple):
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


class Linear(NamedTuple):
    """The parameters of lquantize(): the first bound, the width of a step, the number of levels (G16)."""

    base: int
    step: int
    levels: int


class LogLinear(NamedTuple):
    """The parameters of llquantize() (G17)."""

    factor: int
    low: int
    high: int
    steps: int

    @property
    def magnitudes(self) -> list[tuple[int, int, int]]:
        """Of each order of magnitude where it begins and ends, and how wide its bins are."""
        edges = [self.factor**order for order in range(self.low, self.high + 2)]
        return [(first, end, max(end // self.steps, 1)) for first, end in pairwise(edges)]

    @property
    def bins(self) -> int:
        """How many bins there are, with the one below and the one above."""
        return 2 + sum((end - first) // width for first, end, width in self.magnitudes)


class Aggregation(NamedTuple):
    """An aggregation; ``keys`` are the types of its tuple, fixed by its first use (G2)."""

    name: str
    function: str
    keys: tuple[Type, ...]
    linear: Linear | None = None
    loglinear: LogLinear | None = None

    @property
    def bins(self) -> int:
        """How many counters a distribution has."""
        if self.loglinear:
            return self.loglinear.bins
        return self.linear.levels + 2 if self.linear else 127


class Clause(NamedTuple):
    """A checked clause. ``number`` counts from 1 over all programs, in program order."""

    number: int
    descriptions: tuple[str, ...]
    predicate: Expr | None
    statements: tuple[Statement, ...]
    span: Span
    source: Source
    stability: Stability = STABLE
    """The lowest stability of anything the clause names."""
    places: tuple[Span, ...] = ()
    """Of the descriptions."""
    form: int = 0
    """Which of its forms it is: args[] may be one thing at one probe and another at the next (P28)."""
    probes: tuple[Any, ...] = ()
    """Of a form but the first, the probes that have it."""
    others: tuple[Clause, ...] = ()
    """Of the first form, the others."""
    asks: bool = False
    """Whether it names args[], and so is fit only for probes that have what it was checked with."""

    @property
    def forms(self) -> tuple[Clause, ...]:
        """All of them, the first one first."""
        return (self, *self.others)

    @property
    def label(self) -> str:
        """What the generated program calls it."""
        return f"{self.number}_{self.form}" if self.form else str(self.number)

    @property
    def blocks(self) -> tuple[tuple[Statement, ...], ...]:
        """What leaves a record of its own each: all statements, or with if/else each basic block; at least one (P30)."""
        if not self.statements:
            return ((),)
        from dtrace_py.lang import acts

        if not any(isinstance(statement, acts.If) for statement in self.statements):
            return (self.statements,)
        return tuple(acts.blocks(self.statements)) or ((),)

    @property
    def branches(self) -> bool:
        """Whether there is an if/else in it."""
        return self.blocks != (self.statements,)

    @property
    def records(self) -> bool:
        """Whether a firing can leave a record."""
        if self.branches:
            return any(map(records, filter(None, self.blocks)))
        return records(self.statements)


def records(block: Sequence[Statement]) -> bool:
    """Whether a block leaves a record (P21, P22): an empty one does, and one of nothing but speculate(); one of other plain
    effects does not."""
    if len(block) < 2:
        return all(statement.records or statement.speculates for statement in block)
    return any(statement.records for statement in block)


@dataclass(slots=True)
class Program:
    """All sources together, in command-line order."""

    clauses: list[Clause] = field(default_factory=list)
    aggregations: dict[str, Aggregation] = field(default_factory=dict)
    """By name, in order of first appearance, which is the order of automatic printing (G60)."""
    builtins: set[str] = field(default_factory=set)
    """The built-in variables that any clause names."""
    attributes: dict[str, Stability] = field(default_factory=dict)
    """The stability of identifiers of the program, where a pragma says it (L22)."""
    providers: list[tuple[Source, DeclaredProvider]] = field(default_factory=list)
    """Those that are declared, and where, in order (D9)."""
    strsize: int = 256
    types: TypeSource | None = None
    """Where the structures are described that the program names; None if it names nothing but probes."""
