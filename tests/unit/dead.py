"""A small dead machine: physical memory, page tables, and the file that qemu would have dumped."""

from __future__ import annotations

import random
import struct
from pathlib import Path

PAGE, HUGE = 4096, 1 << 21
MEMORY = 2 * HUGE
DIRECT = {4: 0xFFFF888000000000, 5: 0xFF11000000000000}
VMALLOC = {4: 0xFFFFC90000000000, 5: 0xFFA0000000000000}
CR4 = {4: 0, 5: 1 << 12}


class DeadMachine:
    """Memory in which maps lie scattered, as the vmalloc area has them."""

    def __init__(self, levels: int = 4) -> None:
        self.levels = levels
        self.memory = bytearray(MEMORY)
        self._free = list(range(HUGE, MEMORY, PAGE))
        random.Random(1).shuffle(self._free)
        self.root = self._page()
        self._next = VMALLOC[levels]
        for start in range(0, MEMORY, HUGE):
            self._map(DIRECT[levels] + start, start, huge=True)
        # The kernel has entries for the whole vmalloc area from the start.
        for number in range(8):
            self._table(self.root, self._index(VMALLOC[levels], levels) + 1 + number)

    def _page(self) -> int:
        return self._free.pop()

    def _index(self, address: int, level: int) -> int:
        return address >> 12 + 9 * (level - 1) & 511

    def _table(self, table: int, index: int) -> int:
        """The table that an entry refers to; made if there is none."""
        entry: int = struct.unpack_from("<Q", self.memory, table + 8 * index)[0]
        if not entry:
            entry = self._page() | 0x63
            struct.pack_into("<Q", self.memory, table + 8 * index, entry)
        return entry & -PAGE

    def _map(self, virtual: int, physical: int, huge: bool = False) -> None:
        table, last = self.root, 2 if huge else 1
        for level in range(self.levels, last, -1):
            table = self._table(table, self._index(virtual, level))
        entry = physical | 1 << 63 | 0x63 | huge << 7
        struct.pack_into("<Q", self.memory, table + 8 * self._index(virtual, last), entry)

    def place(self, content: bytes, mapped: bool = True) -> list[int]:
        """Put something into pages here and there, mapped in one piece; returns the pages."""
        pages = []
        for start in range(0, len(content), PAGE):
            piece = content[start : start + PAGE]
            page = self._page()
            self.memory[page : page + len(piece)] = piece
            if mapped:
                self._map(self._next, page)
                self._next += PAGE
            pages.append(page)
        self._next += PAGE  # a guard
        return pages

    def dump(self, path: Path, cr3: int | None = None) -> Path:
        """Write what qemu's dump-guest-memory does: two stretches of memory, and a note of each kind for its CPU."""
        state = bytearray(440)
        struct.pack_into("<QQ", state, 416, self.root if cr3 is None else cr3, CR4[self.levels])
        notes = _note(b"CORE\0", bytes(336)) + _note(b"QEMU\0", bytes(state))
        stretches = [(0, HUGE), (HUGE, MEMORY - HUGE)]
        start = 64 + 56 * (1 + len(stretches)) + len(notes)
        headers = struct.pack("<IIQQQQQQ", 4, 0, start - len(notes), 0, 0, len(notes), len(notes), 0)
        for address, size in stretches:
            headers += struct.pack("<IIQQQQQQ", 1, 0, start + address, 0, address, size, size, 0)
        elf = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 64, 0, 0, 64, 56, 3, 0, 0, 0)
        path.write_bytes(elf + headers + notes + self.memory)
        return path


def _note(name: bytes, content: bytes) -> bytes:
    padded = name + bytes(-len(name) % 4)
    return struct.pack("<III", len(name), len(content), 0) + padded + content + bytes(-len(content) % 4)
