"""Where functions begin: what links and kprobes are attached to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.tracefs import sites
from dtrace_py.providers.fbt import Function

_ENDBR = 4
"""Bytes of endbr64, which on kernels with IBT stands between a function's start and its patchable call (x86-64)."""


class Addresses:
    """Entry addresses of the kernel's traceable functions, by their place in its list."""

    def __init__(self, functions: Sequence[Function], symbols: Symbols) -> None:
        self._functions = functions
        self._symbols = symbols

    @cached_property
    def _sites(self) -> Sequence[int] | None:
        found = sites()
        # A module that came or went between the two readings would shift every address behind it.
        return found if found is None or len(found) == len(self._functions) else None

    @cached_property
    def _places(self) -> dict[Function, list[int]]:
        places: dict[Function, list[int]] = {}
        for place, function in enumerate(self._functions):
            places.setdefault(function, []).append(place)
        return places

    def of(self, place: int) -> int | None:
        """The address of a function; None if it cannot be told."""
        if self._sites is not None:
            for address in (self._sites[place] - _ENDBR, self._sites[place]):
                if self._symbols.is_function(address):
                    return address
            return None
        return self._by_name(place)

    def _by_name(self, place: int) -> int | None:
        """For kernels that do not tell addresses. Functions of one name are told apart by order, if all can be traced."""
        function = self._functions[place]
        addresses = self._symbols.functions(*function)
        same = self._places[function]
        return addresses[same.index(place)] if len(same) == len(addresses) else None
