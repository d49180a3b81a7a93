"""Where functions begin: what links and kprobes are attached to."""

from __future__ import annotations

from functools import cached_property

from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.tracefs import Traceable
from dtrace_py.providers.fbt import Function

_ENDBR = 4
"""Bytes of endbr64, which on kernels with IBT stands between a function's start and its patchable call (x86-64)."""

_ALIGNED = 16
"""What the kernel aligns its functions to, as a rule."""


class Addresses:
    """Entry addresses of the kernel's traceable functions, by their place in its list."""

    def __init__(self, traceable: Traceable, symbols: Symbols) -> None:
        self._functions = traceable.functions
        self._sites = traceable.sites
        self._symbols = symbols

    @cached_property
    def _aligned(self) -> bool:
        """Whether every patchable call is at the beginning of an aligned function, or behind its endbr64.

        Then nothing has to be looked up among the kernel's symbols, whose reading takes longer than all else.
        """
        return self._sites is not None and all(site % _ALIGNED in (0, _ENDBR) for site in self._sites)

    @cached_property
    def _places(self) -> dict[Function, list[int]]:
        places: dict[Function, list[int]] = {}
        for place, function in enumerate(self._functions):
            places.setdefault(function, []).append(place)
        return places

    def of(self, place: int) -> int | None:
        """The address of a function; None if it cannot be told."""
        if self._sites is None:
            return self._by_name(place)
        site = self._sites[place]
        if self._aligned:
            return site - site % _ALIGNED
        return next((address for address in (site - _ENDBR, site) if self._symbols.is_function(address)), None)

    def _by_name(self, place: int) -> int | None:
        """For kernels that do not tell addresses. Functions of one name are told apart by order, if all can be traced."""
        function = self._functions[place]
        addresses = self._symbols.functions(*function)
        same = self._places[function]
        return addresses[same.index(place)] if len(same) == len(addresses) else None
