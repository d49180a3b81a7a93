"""dtpy -l: the probes that programs match, or all of them (M23 to M26)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from dtrace_py.errors import DtpyError
from dtrace_py.lang.describe import Description
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import as_text
from dtrace_py.output.sink import Sink
from dtrace_py.programs import Compiled
from dtrace_py.providers.probe import Family, Probe
from dtrace_py.providers.registry import Registry

if TYPE_CHECKING:
    from dtrace_py.lang.facts import TypeSource

HEADER = f"{'ID':>5} {'PROVIDER':>10} {'MODULE':>17} {'FUNCTION':>33} NAME\n"

_BATCH = 4096
"""Families that are written at a time."""


Details = Callable[[Probe], str]
"""What -v says under a probe."""


def list_probes(
    compiled: Compiled, providers: Registry, details: Details | None, sink: Sink, complain: Callable[[str], object]
) -> None:
    """List every probe, or statement by statement what each matches: a probe matched twice is listed twice."""
    sink.write(HEADER)
    if not compiled.sources:
        _rows(providers.families(Description()), details, sink)
    for matched in compiled.clauses:
        for description in matched.descriptions:
            if not _rows(providers.families(description), details, sink):
                complain(as_text(f"failed to match {description}: No probe matches description"))
    sink.flush()


def _rows(families: Iterable[Family], details: Details | None, sink: Sink) -> bool:
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
                if details:
                    lines.append(details(Probe(number, provider, module, function, name)))
        sink.write("".join(lines))
        sink.flush()
    return found


@cache
def _head(provider: str, module: str) -> str:
    return f" {provider:>10} {module:>17} "


def details_of(providers: Registry, types: Callable[[], TypeSource]) -> Details:
    """What -v says under a probe: attributes, and the types of its arguments (M26)."""

    def details(probe: Probe) -> str:
        stabilities = providers.provider(probe.provider).stabilities
        return (
            f"\n\tProbe Description Attributes\n{triple(stabilities.description)}"
            f"\n\tArgument Attributes\n{triple(stabilities.args)}"
            f"\n\tArgument Types\n{_argument_types(probe, providers, types)}\n"
        )

    return details


def _argument_types(probe: Probe, providers: Registry, types: Callable[[], TypeSource]) -> str:
    try:
        arguments = providers.arguments(probe, types())
    except (CompileError, DtpyError):
        arguments = ()  # of a type that this kernel does not tell
    rows = [f"\t\targs[{place}]: {argument.translated or argument.type}\n" for place, argument in enumerate(arguments)]
    return "".join(rows) or "\t\tNone\n"


def triple(stability: object) -> str:
    """Three lines of attributes (M27)."""
    name, data, klass = (getattr(stability, part) for part in ("name", "data", "klass"))
    return f"\t\tIdentifier Names: {name}\n\t\tData Semantics:   {data}\n\t\tDependency Class: {klass}\n"
