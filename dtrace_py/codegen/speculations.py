"""speculation(), speculate(), commit() and discard() in C (bpf/speculation.h)."""

from __future__ import annotations

from dtrace_py.codegen.expressions import Expressions
from dtrace_py.codegen.operands import Number
from dtrace_py.lang import typed

MARK = 16
"""Bytes of the mark that commit() leaves."""


def speculate(statement: typed.Speculate, expressions: Expressions, size: str) -> None:
    """From here on the clause belongs to a speculation; it ends where there is none. ``size`` is that of its record, or ''."""
    line = expressions.writer.line
    line(f"u64 joined = speculate(f, {_id(statement.id, expressions)});")
    line("if (!joined) {")
    line("    f->frame->counts.silent++;")
    line("    return;")
    line("}")
    if size:
        line(f"record = speculation_reserve(f, joined, {size});")
        line("if (!record)")
        line("    return;")


def settle(statement: typed.Settle, expressions: Expressions) -> None:
    """commit() or discard()."""
    number = _id(statement.id, expressions)
    if statement.commits:
        expressions.writer.line(f"speculation_commit(f, {number}, enabling);")
    else:
        expressions.writer.line(f"speculation_discard(f, {number});")


def _id(node: typed.Expr, expressions: Expressions) -> Number:
    """The id, which is looked at first: above nspec it is a fault (A22)."""
    expressions.needs.add("speculation")
    number = expressions.save(expressions.number(node))
    expressions.writer.line(f"CHECK_SPECULATION({number.text});")
    return number
