"""The stability report of -v (M27)."""

from __future__ import annotations

from collections.abc import Callable

from dtrace_py.lang.tables.stability import HIGHEST, Stability
from dtrace_py.output.listing import Details, triple
from dtrace_py.programs import Compiled, Matched
from dtrace_py.providers.registry import Registry


def tell(compiled: Compiled, providers: Registry, details: Details | None, write: Callable[[str], object]) -> None:
    """The stability report of every program, with what its first probes are if there are ``details`` (-e)."""
    for source, clauses in compiled.sources:
        what = f"script {source.path}" if source.is_script else f"description {source.title}"
        description, statement = _lowest(clauses, providers)
        write(f"\nStability attributes for {what}:\n")
        write(f"\n\tMinimum Probe Description Attributes\n{triple(description)}")
        write(f"\n\tMinimum Statement Attributes\n{triple(statement)}")
        if details:
            for matched in clauses:
                for pattern, probes in zip(matched.descriptions, matched.probes, strict=True):
                    write(f"\n{pattern}\n")
                    if probes:
                        write(details(probes[0]))


def _lowest(clauses: list[Matched], providers: Registry) -> tuple[Stability, Stability]:
    description = statement = HIGHEST
    for matched in clauses:
        statement &= matched.clause.stability
        for name in {probe.provider for probes in matched.probes for probe in probes}:
            description &= providers.provider(name).stabilities.description
    return description, statement
