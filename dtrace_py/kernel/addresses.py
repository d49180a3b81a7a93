"""Where functions begin: what links and kprobes are attached to."""

from __future__ import annotations

from collections.abc import Sequence

from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.providers.fbt import Function

_ENDBR = 4
"""Bytes of endbr64, which on kernels with IBT stands between a function's start and its patchable call (x86-64)."""


class Addresses:
    """Entry addresses of the kernel's traceable functions, by their place in its list."""

    def __init__(self, functions: Sequence[Function], symbols: Symbols) -> None:
        self._functions = functions
        self._symbols = symbols
        self._places: dict[tuple[str, str], list[int]] | None = None

    def of(self, place: int) -> int | None:
        """The address of a function; None if it cannot be told."""
        function = self._functions[place]
        if function.site:
            for address in (function.site - _ENDBR, function.site):
                if self._symbols.is_function(address):
                    return address
            return None
        return self._by_name(place, function)

    def _by_name(self, place: int, function: Function) -> int | None:
        """For kernels that do not tell addresses. Functions of one name are told apart by order, if all can be traced."""
        addresses = self._symbols.functions(function.name, function.module)
        if len(addresses) == 1:
            return addresses[0]
        if self._places is None:
            self._places = {}
            for n, each in enumerate(self._functions):
                self._places.setdefault((each.name, each.module), []).append(n)
        same = self._places[function.name, function.module]
        return addresses[same.index(place)] if len(same) == len(addresses) else None
