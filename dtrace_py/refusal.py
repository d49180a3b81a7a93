"""When the kernel refuses a program that passed every check: which clause it was, in terms of the D text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from dtrace_py.errors import DtpyError, InternalError
from dtrace_py.kernel.machine import Machine
from dtrace_py.lang.program import Clause
from dtrace_py.lang.source import Source
from dtrace_py.options import Options
from dtrace_py.prepare import prepare
from dtrace_py.programs import Compiled, Matched
from dtrace_py.runtime.loader import LoadError
from dtrace_py.runtime.tracer import load

_PLEASE = "this is a bug of dtpy; please report it with what -S prints"

T = TypeVar("T")


def explained(error: LoadError, compiled: Compiled, machine: Machine, options: Options) -> DtpyError:
    """The error to show: it names the first clause that is refused by itself too."""

    def refusal(some: Sequence[tuple[Source, Matched]]) -> LoadError | None:
        part = Compiled(compiled.program, [(source, [matched]) for source, matched in some])
        made = prepare(part, machine, options, probing=True, note=lambda _: None)
        if not made.unit.programs:  # ERROR runs within others
            return None
        try:
            with load(made.unit, made.plan, made.tables, made.ring_bytes, made.multi):
                return None
        except LoadError as refused:
            return refused

    every = [(source, matched) for source, clauses in compiled.sources for matched in clauses]
    found = first_refused(every, error, refusal)
    if found is None:
        return InternalError(f"internal error: the clauses together: {error.reason}; {_PLEASE}")
    (_, matched), reason = found[0], found[1].reason
    return InternalError(f"internal error: {_where(matched.clause)}: {reason}; {_PLEASE}")


def first_refused(
    several: Sequence[T], error: LoadError, refusal: Callable[[Sequence[T]], LoadError | None]
) -> tuple[T, LoadError] | None:
    """The first of these, which are refused together, that is refused by itself, and the error of that; None if none is.

    It is looked for in halves that are refused: all of what is accepted together is accepted by itself.
    """
    if len(several) == 1:
        return several[0], error
    middle = len(several) // 2
    for half in (several[:middle], several[middle:]):
        refused = refusal(half)
        if refused and (found := first_refused(half, refused, refusal)):
            return found
    return None


def _where(clause: Clause) -> str:
    if clause.source.path is not None:
        return f"{clause.source.path}, line {clause.span.line}"
    return f"the clause '{clause.source.text[clause.span.start : clause.span.end]}'"
