"""speculation(), speculate(), commit() and discard() in C (bpf/speculation.h)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dtrace_py.codegen.operands import Number
from dtrace_py.lang import acts, typed

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions


def among(statements: Iterable[acts.Statement]) -> bool:
    """Whether a block speculates."""
    return any(isinstance(statement, acts.Speculate) for statement in statements)


def speculation(make: Expressions, call: typed.Call) -> Number:
    """A20."""
    make.needs.add("speculation")
    name = make.writer.fresh()
    make.writer.line(f"s64 {name} = speculation(f);")
    return Number(name)


def speculate(statement: acts.Speculate, make: Expressions) -> str:
    """The C variable that tells the speculation which the rest of the block belongs to; 0 without one (A21)."""
    number, joined = _id(statement.id, make), make.writer.fresh("joined")
    make.writer.line(f"u64 {joined} = speculate(f, {number});")
    return joined


def settle(statement: acts.Settle, make: Expressions) -> None:
    """commit() or discard() (A22, A23)."""
    number = _id(statement.id, make)
    if statement.commits:
        make.writer.line(f"speculation_commit(f, {number}, enabling);")
    else:
        make.writer.line(f"speculation_discard(f, {number});")


def _id(node: typed.Expr, make: Expressions) -> Number:
    """The id, which is looked at first: above nspec it is a fault (A22)."""
    make.needs.add("speculation")
    number = make.save(make.number(node))
    make.writer.line(f"CHECK((u32){number} <= NSPEC, ILLOP, 0);")
    return number


NUMBERS = {"speculation": speculation}
