"""A probe, and what every provider answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from dtrace_py.lang.describe import Description
from dtrace_py.lang.tables.stability import Stability, stability
from dtrace_py.record import record

if TYPE_CHECKING:
    # Of no use to a bare probe description, and slow to import.
    from dtrace_py.lang.definitions import ProbeArgument
    from dtrace_py.lang.facts import TypeSource


class Probe(NamedTuple):
    """A probe: its number, unique on this kernel, and the four fields of its name (P1)."""

    id: int
    provider: str
    module: str
    function: str
    name: str

    @property
    def title(self) -> str:
        """``provider:module:function:name``."""
        return ":".join(self[1:])


Family = tuple[int, str, str, str, tuple[str, ...]]
"""Probes at one place: the id of the first, provider, module, function, and the names of all, whose ids follow on."""


def probes_of(families: Iterable[Family]) -> list[Probe]:
    """The single probes of families."""
    # Tens of thousands: made from tuples in one sweep, which takes half the time.
    rows = [
        (first + offset, provider, module, function, name)
        for first, provider, module, function, names in families
        for offset, name in enumerate(names)
    ]
    return list(map(partial(tuple.__new__, Probe), rows))


@record
class Stabilities:
    """What -v reports of a provider: the stability of each field of its probes' names, and of their arguments (V63)."""

    provider: Stability
    module: Stability
    function: Stability
    name: Stability
    args: Stability

    @property
    def description(self) -> Stability:
        """The lowest of the four fields."""
        return self.provider & self.module & self.function & self.name


def stabilities(provider: str, module: str, function: str, name: str, args: str) -> Stabilities:
    """The same from ``Evolving/Evolving/Common`` texts."""
    return Stabilities(*map(stability, (provider, module, function, name, args)))


class Provider(Protocol):
    """A provider numbers its own probes in a block of its own, so that none has to count another one's probes."""

    name: str
    stabilities: Stabilities

    def matching(self, description: Description) -> Iterable[Family]:
        """The probes that a description without a number matches, in order of their numbers."""

    def numbered(self, number: int) -> Probe | None:
        """The probe of that number."""

    def left_out(self, description: Description) -> Iterator[tuple[str, str]]:
        """(function, reason) of what the description names but cannot be traced safely."""

    def arguments(self, probe: Probe, types: TypeSource) -> tuple[ProbeArgument, ...]:
        """What args[] is at a probe of this provider; nothing if it has no types (V61)."""
