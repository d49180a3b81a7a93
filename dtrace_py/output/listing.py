"""dtpy -l: the probes that programs match, or all of them (M23 to M26)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice

from dtrace_py.lang.describe import Description
from dtrace_py.lang.source import as_text
from dtrace_py.output.sink import Sink
from dtrace_py.programs import Compiled
from dtrace_py.providers.probe import Family, Stabilities
from dtrace_py.providers.registry import Registry

HEADER = f"{'ID':>5} {'PROVIDER':>10} {'MODULE':>17} {'FUNCTION':>33} NAME\n"

_BATCH = 4096
"""Families that are written at a time."""


def list_probes(
    compiled: Compiled, providers: Registry, verbose: bool, sink: Sink, complain: Callable[[str], object]
) -> None:
    """List every probe, or statement by statement what each matches: a probe matched twice is listed twice."""
    sink.write(HEADER)
    if not compiled.sources:
        _rows(providers.families(Description()), providers, verbose, sink)
    for matched in compiled.clauses:
        for description in matched.descriptions:
            if not _rows(providers.families(description), providers, verbose, sink):
                complain(as_text(f"failed to match {description}: No probe matches description"))
    sink.flush()


def _rows(families: Iterable[Family], providers: Registry, verbose: bool, sink: Sink) -> bool:
    """Write the rows of these probes; whether there were any."""
    found = False
    left = iter(families)
    while batch := list(islice(left, _BATCH)):
        found = True
        lines: list[str] = []
        for first, provider, module, function, names in batch:
            place = f"{_head(provider, module)}{function.rjust(33)}"
            for number, name in enumerate(names, start=first):
                lines.append(f"{number:5}{place} {name}\n")
                if verbose:
                    lines.append(details(providers.provider(provider).stabilities))
        sink.write("".join(lines))
        sink.flush()
    return found


@cache
def _head(provider: str, module: str) -> str:
    return f" {provider:>10} {module:>17} "


def details(stabilities: Stabilities) -> str:
    """What -v says under a probe (M26)."""
    return (
        f"\n\tProbe Description Attributes\n{triple(stabilities.description)}"
        f"\n\tArgument Attributes\n{triple(stabilities.args)}"
        "\n\tArgument Types\n\t\tNone\n\n"
    )


def triple(stability: object) -> str:
    """Three lines of attributes (M27)."""
    name, data, klass = (getattr(stability, part) for part in ("name", "data", "klass"))
    return f"\t\tIdentifier Names: {name}\n\t\tData Semantics:   {data}\n\t\tDependency Class: {klass}\n"
