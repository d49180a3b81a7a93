"""The syntax tree of a program down to its clauses; what is inside them is in ast.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span

if TYPE_CHECKING:
    # A program that only names probes is not worth the time that loading the rest takes.
    from dtrace_py.lang.grammar.ast import Expr, Outer, Statement


class Description(NamedTuple):
    """A probe description as written, macros expanded."""

    span: Span
    text: str


class Clause(NamedTuple):
    """Probe descriptions, a predicate and statements. ``body`` is None for a bare description (P20)."""

    span: Span
    descriptions: tuple[Description, ...]
    predicate: Expr | None
    body: tuple[Statement, ...] | None


class Program(NamedTuple):
    """What one source holds, in order, and what is wrong with its syntax; items with such errors are missing."""

    span: Span
    items: tuple[Clause | Outer, ...]
    errors: tuple[CompileError, ...]
