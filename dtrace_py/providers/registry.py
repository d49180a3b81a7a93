"""All providers together: what a description matches, in order of probe numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dtrace_py.errors import Unlisted
from dtrace_py.lang.describe import Description, matcher
from dtrace_py.providers.probe import Family, Probe, Provider, probes_of

if TYPE_CHECKING:
    from dtrace_py.lang.definitions import ProbeArgument
    from dtrace_py.lang.facts import TypeSource


class Registry:
    """The providers in the order of their blocks of numbers."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self.providers = providers
        self.lenient = False
        """Whether a provider whose probes cannot be listed is passed over, and noted in ``unlisted``."""
        self.unlisted: dict[str, Unlisted] = {}
        """Providers that did not list their probes, and why."""

    def families(self, description: Description) -> Iterator[Family]:
        """The probes that a description matches, by place. A number matches one probe, or none."""
        if description.id is not None:
            if probe := self.numbered(description.id):
                yield (*probe[:4], (probe.name,))
            return
        for provider in self._asked(description):
            try:
                yield from provider.matching(description)
            except Unlisted as error:
                self.pass_over(provider.name, error)

    def matching(self, description: Description) -> list[Probe]:
        """The same, one by one."""
        return probes_of(self.families(description))

    def numbered(self, number: int) -> Probe | None:
        for provider in reversed(self.providers):
            try:
                if probe := provider.numbered(number):
                    return probe
            except Unlisted as error:
                self.pass_over(provider.name, error)
        return None

    def tells(self, description: Description) -> bool:
        """Whether all providers that the description may concern list their probes, so that no match is a fact."""
        concerned = self.providers if description.id is not None else self._asked(description)
        return all(provider.name not in self.unlisted for provider in concerned)

    def pass_over(self, provider: str, error: Unlisted) -> None:
        """Note that a provider does not list its probes, or raise the error."""
        if not self.lenient:
            raise error
        self.unlisted[provider] = error

    def arguments(self, probe: Probe, types: TypeSource) -> tuple[ProbeArgument, ...]:
        """What args[] is at a probe."""
        return self.provider(probe.provider).arguments(probe, types)

    def left_out(self, description: Description) -> Iterator[tuple[str, str]]:
        """(function, reason) of what a description names but cannot be traced safely."""
        for provider in self._asked(description):
            yield from provider.left_out(description)

    def provider(self, name: str) -> Provider:
        """The provider of that name; KeyError if there is none."""
        return {provider.name: provider for provider in self.providers}[name]

    def _asked(self, description: Description) -> Iterator[Provider]:
        """The providers that a description may concern: the others are not even asked to list their probes."""
        if description.id is None:
            test = matcher(description.provider)
            yield from (provider for provider in self.providers if test(provider.name))
