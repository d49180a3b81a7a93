"""When the kernel refuses a program that passed every check: which clause it was, in terms of the D text."""

from __future__ import annotations

from dtrace_py.errors import DtpyError, InternalError
from dtrace_py.kernel.machine import Machine
from dtrace_py.lang.program import Clause
from dtrace_py.options import Options
from dtrace_py.prepare import prepare
from dtrace_py.programs import Compiled
from dtrace_py.runtime.loader import LoadError
from dtrace_py.runtime.tracer import load

_PLEASE = "this is a bug of dtpy; please report it with what -S prints"


def explained(error: LoadError, compiled: Compiled, machine: Machine, options: Options) -> DtpyError:
    """The error to show: each clause is tried alone, and the first that is refused by itself is the one to name."""
    for source, clauses in compiled.sources:
        for matched in clauses:
            alone = Compiled(compiled.program, [(source, [matched])])
            try:
                made = prepare(alone, machine, options, probing=True, note=lambda _: None)
                if not made.unit.programs:  # ERROR runs within others
                    continue
                with load(made.unit, made.plan, made.tables, made.ring_bytes, made.multi):
                    pass
            except LoadError as refused:
                return InternalError(f"internal error: {_where(matched.clause)}: {refused.reason}; {_PLEASE}")
    return InternalError(f"internal error: the clauses together: {error.reason}; {_PLEASE}")


def _where(clause: Clause) -> str:
    if clause.source.path is not None:
        return f"{clause.source.path}, line {clause.span.line}"
    return f"the clause '{clause.source.text[clause.span.start : clause.span.end]}'"
