"""The syscall provider: entry to and return from every system call the kernel knows (contract 12.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dtrace_py.lang.describe import Description, matcher
from dtrace_py.providers.probe import Family, Probe, stabilities

if TYPE_CHECKING:
    from dtrace_py.lang.definitions import ProbeArgument
    from dtrace_py.lang.facts import TypeSource

FIRST = 1101
MODULE = "vmlinux"
KINDS = ("entry", "return")


class SyscallProvider:
    """``calls`` gives the numbers and names of the kernel's system calls; it is asked when they are needed.

    ``parameters`` gives the types of a call's parameters as texts.
    """

    name = "syscall"
    stabilities = stabilities(
        "Evolving/Evolving/Common",
        "Private/Private/Unknown",
        "Unstable/Unstable/ISA",
        "Evolving/Evolving/Common",
        "Unstable/Unstable/ISA",
    )

    def __init__(
        self, calls: Callable[[], dict[int, str]], parameters: Callable[[str], Sequence[str]] = lambda call: ()
    ) -> None:
        self._calls = calls
        self._parameters = parameters

    @cached_property
    def calls(self) -> dict[int, str]:
        """Name by number."""
        return self._calls()

    def matching(self, description: Description) -> Iterator[Family]:
        provider, module, function, name = map(matcher, description.fields)
        kinds = tuple(filter(name, KINDS))
        if not (kinds and provider(self.name) and module(MODULE)):
            return
        first = FIRST + KINDS.index(kinds[0])
        for number, call in sorted(self.calls.items()):
            if function(call):
                yield first + 2 * number, self.name, MODULE, call, kinds

    def numbered(self, number: int) -> Probe | None:
        call, place = divmod(number - FIRST, 2)
        if call < 0 or call not in self.calls:
            return None
        return Probe(number, self.name, MODULE, self.calls[call], KINDS[place])

    @staticmethod
    def call_number(probe_id: int) -> int:
        """The system call's number."""
        return (probe_id - FIRST) // 2

    def left_out(self, description: Description) -> Iterator[tuple[str, str]]:
        return iter(())

    def arguments(self, probe: Probe, types: TypeSource) -> tuple[ProbeArgument, ...]:
        """The arguments as the kernel describes them, or what the call returned, twice (V81, V82)."""
        from dtrace_py.lang.definitions import ProbeArgument
        from dtrace_py.lang.errors import CompileError
        from dtrace_py.lang.type_text import type_from
        from dtrace_py.lang.types import LONG

        if probe.name == "return":
            return ProbeArgument(0, LONG), ProbeArgument(1, LONG)
        found = []
        for place, text in enumerate(self._parameters(probe.function)):
            kind = type_from(text, types)
            if kind is None:
                reason = f"failed to resolve type of args[{place}]: {text}"
                raise CompileError("D_ARGS_TYPE", reason)
            found.append(ProbeArgument(place, kind))
        return tuple(found)
