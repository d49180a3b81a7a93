"""dtpy -l: the probes that programs match, or all of them (M23 to M26)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dtrace_py.lang.describe import Description
from dtrace_py.output.sink import Sink
from dtrace_py.programs import Compiled
from dtrace_py.providers.probe import Probe, Stabilities
from dtrace_py.providers.registry import Registry

HEADER = f"{'ID':>5} {'PROVIDER':>10} {'MODULE':>17} {'FUNCTION':>33} NAME\n"

_BATCH = 4096
"""Rows that are written at a time."""


def list_probes(
    compiled: Compiled, providers: Registry, verbose: bool, sink: Sink, complain: Callable[[str], object]
) -> None:
    """List every probe, or statement by statement what each matches: a probe matched twice is listed twice."""
    sink.write(HEADER)
    if not compiled.sources:
        _rows(providers.matching(Description()), providers, verbose, sink)
    for matched in compiled.clauses:
        for description, probes in zip(matched.descriptions, matched.probes, strict=True):
            if not probes:
                sink.flush()
                complain(f"failed to match {description}: No probe matches description")
            _rows(probes, providers, verbose, sink)
    sink.flush()


def _rows(probes: Iterable[Probe], providers: Registry, verbose: bool, sink: Sink) -> None:
    for number, probe in enumerate(probes, start=1):
        sink.write("%5d %10s %17s %33s %s\n" % probe)
        if verbose:
            sink.write(details(providers.provider(probe.provider).stabilities))
        if number % _BATCH == 0:
            sink.flush()


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
