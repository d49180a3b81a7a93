"""The kernel's half of a dead machine's page tables (x86-64): which page of memory is where the kernel sees it.

Array maps live in the vmalloc area, a page here and a page there. Memory that was freed is no longer mapped there, so what
is found by way of these tables was alive when the machine stopped. All memory is mapped a second time, in one
piece: the direct map, which says nothing about what a page is used for, and is left out.
"""

from __future__ import annotations

import struct
from collections import Counter

from dtrace_py.postmortem.core import PAGE, Dump, Paging

_PRESENT, _HUGE = 1, 1 << 7
_ADDRESS = (1 << 52) - PAGE
_FIVE_LEVELS = 1 << 12
"""Bit of cr4."""
_USER_TABLES = PAGE
"""Bit of cr3: with page table isolation the tables of user mode lie behind those of the kernel."""
_KERNEL_HALF = 256
_ALL = (1 << 64) - 1
_FEWEST = 8
"""Entries of the kernel's half of its top table. User mode's have fewer."""

_TABLE = struct.Struct("<512Q")


class KernelMemory:
    """What the kernel maps page by page. Huge pages are passed over: they hold the kernel itself, and no map."""

    def __init__(self, dump: Dump) -> None:
        self._dump = dump
        self._physical: dict[int, int] = {}
        self._virtual: dict[int, list[int]] = {}
        self._offsets: Counter[int] = Counter()
        """Bytes mapped at each distance between virtual and physical address."""
        self._seen: set[tuple[int, int]] = set()
        if root := _root(dump):
            levels = 5 if root.cr4 & _FIVE_LEVELS else 4
            self._walk(root.cr3 & _ADDRESS, levels, 0)
        # Nowhere else is so much memory mapped at one distance.
        direct = self._offsets.most_common(1)[0][0] if self._offsets else 0
        for virtual, physical in self._physical.items():
            if virtual - physical != direct:
                self._virtual.setdefault(physical, []).append(virtual)

    def _walk(self, table: int, level: int, base: int) -> None:
        """Note what a table maps; its first entry is about the virtual address ``base``."""
        # The tables of the kernel's espfix area refer to the same ones thousands of times: once is enough.
        if (table, level) in self._seen or (content := self._dump.read(table, PAGE)) is None:
            return
        self._seen.add((table, level))
        shift = 12 + 9 * (level - 1)
        for index, entry in enumerate(_TABLE.unpack(content)):
            if not entry & _PRESENT:
                continue
            virtual = base + (index << shift)
            if base == 0:  # the top table, of whose addresses the highest bit is repeated upwards
                if index < _KERNEL_HALF:
                    continue
                virtual |= _ALL << (shift + 9) & _ALL
            physical = entry & _ADDRESS
            if level == 1:
                self._physical[virtual] = physical
                self._offsets[virtual - physical] += PAGE
            elif level <= 3 and entry & _HUGE:
                physical &= -1 << shift
                self._offsets[virtual - physical] += 1 << shift
            else:
                self._walk(physical, level - 1, virtual)

    def addresses(self, physical: int) -> list[int]:
        """The virtual addresses of a page of memory."""
        return self._virtual.get(physical, [])

    def read(self, address: int, size: int) -> bytearray | None:
        """So many bytes at a virtual address; None where one of their pages is not mapped or not in the dump."""
        first = address & -PAGE
        pages = []
        for virtual in range(first, address + size, PAGE):
            physical = self._physical.get(virtual)
            page = None if physical is None else self._dump.read(physical, PAGE)
            if page is None:
                return None
            pages.append(page)
        return bytearray(b"".join(pages))[address - first : address - first + size]


def _root(dump: Dump) -> Paging | None:
    """The tables of a CPU that was in the kernel; if none was, those that lie before the ones of user mode."""
    for ignored in (0, _USER_TABLES):
        for cpu in dump.cpus:
            paging = Paging(cpu.cr3 & ~ignored, cpu.cr4)
            content = dump.read(paging.cr3 & _ADDRESS, PAGE)
            if content is not None and sum(e & _PRESENT for e in _TABLE.unpack(content)[_KERNEL_HALF:]) >= _FEWEST:
                return paging
    return None
