"""What the names of a process's variables and functions stand for, in D programs (contract L58)."""

from __future__ import annotations

from functools import cached_property

from dtrace_py.lang.facts import ProcessSymbol
from dtrace_py.process import auxiliary, maps
from dtrace_py.process.maps import Mapping
from dtrace_py.process.objects import VDSO, Objects


class NamedSymbols:
    """The symbols of a process that stands still, as its objects are mapped when the first is asked for."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._objects = Objects()

    def symbol(self, name: str, object: str = "") -> ProcessSymbol | None:
        """A variable or function: of the object that is named, or else of the first that has it."""
        for mapping in self._mappings:
            if object and not _called(mapping, object):
                continue
            elf = self._objects.of(mapping, self._process)
            at = elf.address(mapping.offset) if elf else None
            if elf and at is not None and (found := elf.definition(name)):
                address = mapping.start - at + found.address
                return ProcessSymbol(mapping.name, address, found.size, found.code, elf.wide)
        return None

    @cached_property
    def _mappings(self) -> list[Mapping]:
        """The first mapping of each file, in the order in which the dynamic linker looks for symbols: the program, then libraries
        as they were loaded, which is from high addresses to low ones, and the linker itself, which was there before them."""
        try:
            mappings, told = maps.read(self._process), auxiliary.read(self._process)
        except OSError:
            return []
        first: dict[object, Mapping] = {}
        for mapping in mappings:
            first.setdefault((mapping.file, mapping.path), mapping)

        def holds(mapping: Mapping, address: int) -> bool:
            return any(
                m.file == mapping.file and m.start <= address < m.end for m in mappings if m.path == mapping.path
            )

        def place(mapping: Mapping) -> tuple[bool, bool, bool, int]:
            return not holds(mapping, told.entry), mapping.path == VDSO, holds(mapping, told.base), -mapping.start

        return sorted((mapping for mapping in first.values() if mapping.path), key=place)


def _called(mapping: Mapping, name: str) -> bool:
    """Whether an object may be called so: by its name, cut at any dot of it (V96)."""
    own = mapping.name.strip("[]")
    return own == name or own.startswith(f"{name}.")
