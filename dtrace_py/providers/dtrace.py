"""The dtrace provider: BEGIN, END and ERROR (contract 12.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dtrace_py.lang.describe import Description, matcher
from dtrace_py.providers.probe import Family, Probe, stabilities

if TYPE_CHECKING:
    from dtrace_py.lang.definitions import ProbeArgument
    from dtrace_py.lang.facts import TypeSource

BEGIN, END, ERROR = (Probe(n, "dtrace", "", "", name) for n, name in enumerate(("BEGIN", "END", "ERROR"), start=1))


class DtraceProvider:
    """Three probes that every consumer has to itself (P29)."""

    name = "dtrace"
    stabilities = stabilities(
        "Stable/Stable/Common",
        "Private/Private/Unknown",
        "Private/Private/Unknown",
        "Stable/Stable/Common",
        "Stable/Stable/Common",
    )

    def matching(self, description: Description) -> Iterator[Family]:
        tests = tuple(map(matcher, description.fields))
        for probe in (BEGIN, END, ERROR):
            if all(test(text) for test, text in zip(tests, probe[1:], strict=True)):
                yield (*probe[:4], (probe.name,))

    def numbered(self, number: int) -> Probe | None:
        return {1: BEGIN, 2: END, 3: ERROR}.get(number)

    def left_out(self, description: Description) -> Iterator[tuple[str, str]]:
        return iter(())

    def arguments(self, probe: Probe, types: TypeSource) -> tuple[ProbeArgument, ...]:
        return ()
