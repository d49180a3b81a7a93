"""The fbt provider: entry to and return from the kernel's functions (contract 12.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from dtrace_py.lang.describe import Description, matcher
from dtrace_py.providers.deny import Denied, reason
from dtrace_py.providers.probe import Probe, stabilities

FIRST = 10_001
KINDS = ("entry", "return")


class Function(NamedTuple):
    """A function that the kernel says can be traced. ``site`` is the address of its patchable call, 0 if not told."""

    name: str
    module: str
    site: int


def entry_id(probe: Probe) -> int:
    """The id of the entry probe of the function that a probe is in."""
    return probe.id - (probe.name == "return")


def function_place(probe: Probe) -> int:
    """The place of that function in the kernel's list."""
    return (probe.id - FIRST) // 2


class FbtProvider:
    """``functions`` gives the kernel's list; a function's place in it is what its two probes are numbered by."""

    name = "fbt"
    stabilities = stabilities(
        "Evolving/Evolving/Common",
        "Private/Private/Unknown",
        "Private/Private/Unknown",
        "Evolving/Evolving/Common",
        "Private/Private/ISA",
    )

    def __init__(self, functions: Callable[[], Sequence[Function]], blacklist: Callable[[], frozenset[str]]) -> None:
        self._functions = functions
        self._blacklist = blacklist

    @cached_property
    def functions(self) -> Sequence[Function]:
        return self._functions()

    @cached_property
    def denied(self) -> Denied:
        return Denied(self._blacklist())

    def _matching(self, description: Description) -> Iterator[tuple[int, Function]]:
        """Place and function of what the first three fields match, denied ones included."""
        provider, module, function, _ = description.fields
        if not matcher(provider)(self.name):
            return
        in_module, has_name = matcher(module), matcher(function)
        anything = module in ("", "*") and function in ("", "*")
        for place, each in enumerate(self.functions):
            if anything or (has_name(each.name) and in_module(each.module)):
                yield place, each

    def matching(self, description: Description) -> Iterator[Probe]:
        name = matcher(description.name)
        kinds = [(place, kind) for place, kind in enumerate(KINDS) if name(kind)]
        if not kinds:
            return
        denied = self.denied
        for place, (function, module, _) in self._matching(description):
            if function not in denied:
                for offset, kind in kinds:
                    yield Probe(FIRST + 2 * place + offset, "fbt", module, function, kind)

    def numbered(self, number: int) -> Probe | None:
        place, offset = divmod(number - FIRST, 2)
        if not 0 <= place < len(self.functions) or self.functions[place].name in self.denied:
            return None
        function = self.functions[place]
        return Probe(number, self.name, function.module, function.name, KINDS[offset])

    def left_out(self, description: Description) -> Iterator[tuple[str, str]]:
        if any(matcher(description.name)(kind) for kind in KINDS):
            for _, function in self._matching(description):
                if function.name in self.denied:
                    yield function.name, reason(function.name)
