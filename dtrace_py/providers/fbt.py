"""The fbt provider: entry to and return from the kernel's functions (contract 12.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dtrace_py.lang.describe import Description, is_glob, matcher
from dtrace_py.providers.deny import denied, reason
from dtrace_py.providers.probe import Family, Probe, stabilities

if TYPE_CHECKING:
    from dtrace_py.lang.definitions import ProbeArgument
    from dtrace_py.lang.facts import TypeSource
    from dtrace_py.lang.types import Type

FIRST = 10_001
KINDS = ("entry", "return")
VMLINUX = "vmlinux"
"""The module that the core kernel's functions are in (contract L56)."""


Function = tuple[str, str]
"""Name and module of a function that the kernel says can be traced."""


def entry_id(probe: Probe) -> int:
    """The id of the entry probe of the function that a probe is in."""
    return probe.id - (probe.name == "return")


def function_place(probe: Probe) -> int:
    """The place of that function in the kernel's list."""
    return (probe.id - FIRST) // 2


class FbtProvider:
    """``functions`` gives the kernel's list; a function's place in it is what its two probes are numbered by.

    ``blacklist`` gives the names that the kernel itself refuses, ``exists`` tells whether there is a function of a name at all.
    """

    name = "fbt"
    stabilities = stabilities(
        "Evolving/Evolving/Common",
        "Private/Private/Unknown",
        "Private/Private/Unknown",
        "Evolving/Evolving/Common",
        "Private/Private/ISA",
    )

    def __init__(
        self,
        functions: Callable[[], Sequence[Function]],
        blacklist: Callable[[], frozenset[str]],
        exists: Callable[[str], bool],
    ) -> None:
        self._functions = functions
        self._blacklist = blacklist
        self._exists = exists

    @cached_property
    def functions(self) -> Sequence[Function]:
        return self._functions()

    def relist(self, functions: Sequence[Function]) -> None:
        """From now on this is the kernel's list: what it was, and more."""
        self.functions = functions
        self.__dict__.pop("denied", None)

    @cached_property
    def denied(self) -> frozenset[str]:
        """The names of functions that are not to be traced."""
        return self._denied(self.functions)

    @cached_property
    def _refused(self) -> frozenset[str]:
        return self._blacklist()

    def _denied(self, functions: Iterable[Function]) -> frozenset[str]:
        return denied([name for name, _ in functions], self._refused)

    def _matching(self, description: Description, since: int = 0) -> Iterable[tuple[int, Function]]:
        """Place and function of what the first three fields match, denied ones included, from a place on."""
        provider, module, function, _ = description.fields
        if not matcher(provider)(self.name):
            return ()
        functions = enumerate(self.functions[since:], since) if since else enumerate(self.functions)
        if module in ("", "*") and function in ("", "*"):
            return list(functions) if since else functions
        in_module, has_name = matcher(module), matcher(function)
        return [(place, each) for place, each in functions if has_name(each[0]) and in_module(each[1])]

    def may_match_later(self, description: Description) -> bool:
        """Whether functions of modules that are loaded one day may be meant."""
        provider, module, _, name = description.fields
        named = matcher(provider)(self.name) and any(map(matcher(name), KINDS))
        return description.id is None and bool(named) and module != VMLINUX

    def matching(self, description: Description, since: int = 0) -> Iterable[Family]:
        """The same as probes, for functions from a place in the list on."""
        kinds = tuple(filter(matcher(description.name), KINDS))
        if not kinds:
            return ()
        found, first = self._matching(description, since), FIRST + KINDS.index(kinds[0])
        # To look at a few names is much quicker than to look at all, which is done once.
        few = isinstance(found, list) and len(found) < len(self.functions) / 8
        denied = self._denied(function for _, function in found) if few else self.denied
        return [
            (first + 2 * place, "fbt", module, function, kinds)
            for place, (function, module) in found
            if function not in denied
        ]

    def numbered(self, number: int) -> Probe | None:
        place, offset = divmod(number - FIRST, 2)
        if not 0 <= place < len(self.functions) or self.functions[place][0] in self.denied:
            return None
        function, module = self.functions[place]
        return Probe(number, self.name, module, function, KINDS[offset])

    def left_out(self, description: Description) -> Iterator[tuple[str, str]]:
        if not any(matcher(description.name)(kind) for kind in KINDS):
            return
        known = False
        for _, (function, _) in self._matching(description):
            known = True
            if function in self.denied:
                yield function, reason(function)
        name = description.function
        if not known and name and not is_glob(name) and self._exists(name):
            yield name, "the kernel does not list it as a function to trace (notrace)"

    def arguments(self, probe: Probe, types: TypeSource) -> tuple[ProbeArgument, ...]:
        """The parameters of the function; or where it was left, which no kernel tells, and what it returned (V86, V87)."""
        from dtrace_py.lang.definitions import ProbeArgument
        from dtrace_py.lang.types import INT, VoidType

        prototype = types.prototype(probe.function, probe.module)
        if prototype is None:
            return ()
        if probe.name == "entry":
            return tuple(_placed((kind for _, kind in prototype.parameters), types))
        offset = ProbeArgument(0, INT)
        return (offset,) if isinstance(prototype.result, VoidType) else (offset, ProbeArgument(1, prototype.result))


def _placed(kinds: Iterable[Type], types: TypeSource) -> Iterator[ProbeArgument]:
    """Parameters with the numbers of the registers that they come in: structures take as many as they need, or none."""
    from dtrace_py.lang.definitions import ProbeArgument
    from dtrace_py.lang.types import size_of

    place = 0
    for kind in kinds:
        yield ProbeArgument(place, kind)
        size = size_of(kind, types, 0) or 8
        place += -(-size // 8) if size <= 16 else 0
