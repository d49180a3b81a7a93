"""The stability report of -v (M27)."""

from __future__ import annotations

from collections.abc import Callable

from dtrace_py.lang.tables.stability import HIGHEST, Stability
from dtrace_py.output.listing import details, triple
from dtrace_py.programs import Compiled, Matched
from dtrace_py.providers.registry import Registry


def tell(compiled: Compiled, providers: Registry, each_probe: bool, write: Callable[[str], object]) -> None:
    """The stability report of every program; ``each_probe`` adds what its first probes are (-e)."""
    for source, clauses in compiled.sources:
        what = f"script {source.path}" if source.is_script else f"description {source.title}"
        description, statement = _lowest(clauses, providers)
        write(f"\nStability attributes for {what}:\n")
        write(f"\n\tMinimum Probe Description Attributes\n{triple(description)}")
        write(f"\n\tMinimum Statement Attributes\n{triple(statement)}")
        if each_probe:
            for matched in clauses:
                for pattern, probes in zip(matched.descriptions, matched.probes, strict=True):
                    write(f"\n{pattern}\n")
                    if probes:
                        write(details(providers.provider(probes[0].provider).stabilities))


def _lowest(clauses: list[Matched], providers: Registry) -> tuple[Stability, Stability]:
    description = statement = HIGHEST
    for matched in clauses:
        statement &= matched.clause.stability
        for name in {probe.provider for probes in matched.probes for probe in probes}:
            description &= providers.provider(name).stabilities.description
    return description, statement
