"""The little of ELF that it takes to name an address: segments, and the symbols of functions and data."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

Read = Callable[[int, int], bytes]
"""Bytes of a file: from an offset on, so many."""

_LOAD, _INTERPRETER = 1, 3
_SYMTAB, _DYNSYM, _VERSIONS = 2, 11, 0x6FFFFFFF
_PLAIN, _DATA, _CODE, _INDIRECT = 0, 1, 2, 10
"""st_info's types that name something in memory: data, functions, and functions that choose one (STT_GNU_IFUNC); a label of
assembly may have no type."""

_LOCAL = 0
_SPECIAL = 0xFF00
"""Section numbers from here on are none; a symbol may be a bare number (SHN_ABS)."""

_OLD = 0x8000
"""In .gnu.version: the symbol is there for programs that were linked long ago."""

_OVERLAPPING = 16
"""So many symbols that begin before an address are looked at for one that it is within."""


class NotElf(ValueError):
    """The file is not an ELF object of this machine's byte order."""


class Layout(NamedTuple):
    """How one of the two classes lays out what is read here."""

    header: struct.Struct
    """type, entry, phoff, shoff, phentsize, phnum, shentsize, shnum"""
    segment: struct.Struct
    """type, offset, address, size in the file"""
    section: struct.Struct
    """type, offset, size, link"""
    symbol: struct.Struct
    wide: bool


_64 = Layout(
    struct.Struct("<16xH6xQQQ6xHHHH2x"),
    struct.Struct("<I4xQQ8xQ16x"),
    struct.Struct("<4xI16xQQI20x"),
    struct.Struct("<IBBHQQ"),
    True,
)
_32 = Layout(
    struct.Struct("<16xH6xIII6xHHHH2x"),
    struct.Struct("<III4xI12x"),
    struct.Struct("<4xI8xIII12x"),
    struct.Struct("<IIIBBH"),
    False,
)


class Symbol(NamedTuple):
    """A name and where its thing is, as the file's own addresses have it."""

    address: int
    size: int
    name: str


class Definition(NamedTuple):
    """What a name stands for in an object, as the file's own addresses have it."""

    address: int
    size: int
    code: bool
    """Whether it is a function."""


class Elf:
    """An ELF object. What it takes is read at once, so that the file may be gone later; taking it apart waits for a need."""

    def __init__(self, read: Read) -> None:
        head = read(0, 64)
        if head[:4] != b"\x7fELF" or len(head) < 52 or head[4] not in (1, 2) or head[5] != 1:
            raise NotElf
        self._layout = layout = _64 if head[4] == 2 else _32
        try:
            _, entry, *places = layout.header.unpack_from(head.ljust(64, b"\0"))
            self.entry: int = entry
            self._read_parts(read, *places)
        except struct.error as error:
            raise NotElf from error

    def _read_parts(self, read: Read, phoff: int, shoff: int, phsize: int, phnum: int, shsize: int, shnum: int) -> None:
        raw = read(phoff, phsize * phnum)
        segments = [self._layout.segment.unpack_from(raw, n * phsize) for n in range(phnum)]
        self._loads: list[tuple[int, int, int]] = [
            (place, at, size) for kind, place, at, size in segments if kind == _LOAD
        ]
        self.dynamic = any(segment[0] == _INTERPRETER for segment in segments)
        """Whether it asks for a dynamic linker."""
        raw = read(shoff, shsize * shnum) if shoff else b""
        sections = [
            self._layout.section.unpack_from(raw, n * shsize) for n in range(len(raw) // shsize if shsize else 0)
        ]
        versions = {link: read(offset, size) for kind, offset, size, link in sections if kind == _VERSIONS}
        self._tables: list[tuple[bytes, bytes, bytes]] = []
        """Symbols, the text of their names, and their versions if they have any, of each table."""
        for number, (kind, offset, size, link) in enumerate(sections):
            if kind in (_SYMTAB, _DYNSYM) and link < len(sections):
                _, text, length, _ = sections[link]
                self._tables.append((read(offset, size), read(text, length), versions.get(number, b"")))

    def address(self, offset: int) -> int | None:
        """The address that the file gives to what is at an offset in it; None for what is not loaded."""
        for start, address, size in self._loads:
            first = start & ~0xFFF
            if first <= offset < start + size:
                return offset - start + address
        return None

    @property
    def wide(self) -> bool:
        """Whether it is of 64 bits."""
        return self._layout.wide

    def bias(self, entry: int) -> int:
        """What its addresses are off by in a process whose entry point is there."""
        return entry - self.entry

    def _raw_symbols(self) -> Iterator[tuple[int, int, int, int, int, bytes]]:
        """name, info, section, value, size, and the table's text, of every symbol."""
        for raw, text, _ in self._tables:
            for name, info, section, value, size in self._entries(raw):
                yield name, info, section, value, size, text

    def _entries(self, raw: bytes) -> Iterator[tuple[int, int, int, int, int]]:
        """name, info, section, value and size of the symbols of a table."""
        entries = self._layout.symbol.iter_unpack(
            raw[: len(raw) // self._layout.symbol.size * self._layout.symbol.size]
        )
        if self._layout.wide:
            for name, info, _, section, value, size in entries:
                yield name, info, section, value, size
        else:
            for name, value, size, info, _, section in entries:
                yield name, info, section, value, size

    @cached_property
    def _sorted(self) -> tuple[array[int], list[tuple[int, int, bytes]]]:
        """Addresses in order, and (size, place of the name, text) of the symbol to show for each."""
        best: dict[int, tuple[tuple[object, ...], int, int, bytes]] = {}
        for name, info, section, value, size, text in self._raw_symbols():
            if section == 0 or info & 15 not in (_DATA, _CODE, _INDIRECT) or not value:
                continue
            known = best.get(value)
            if known is not None and (known[2], known[3]) == (name, text):
                continue
            rank = _rank(info, size, text, name)
            if known is None or rank < known[0]:
                best[value] = rank, size, name, text
        ordered = sorted(best)
        return array("Q", ordered), [best[address][1:] for address in ordered]

    def find(self, address: int) -> Symbol | None:
        """The symbol that an address is within; one without a size goes on to the next."""
        starts, symbols = self._sorted
        place = last = bisect_right(starts, address) - 1
        while place >= 0 and last - place < _OVERLAPPING:
            size, name, text = symbols[place]
            if address < starts[place] + size or (size == 0 and place == last):
                return Symbol(starts[place], size, _name(text, name))
            place -= 1
        return None

    def named(self, wanted: str) -> list[int]:
        """The addresses of all symbols of that name, which may have several versions."""
        raw = wanted.encode() + b"\0"
        found = {
            value
            for name, _, section, value, _, text in self._raw_symbols()
            if section and value and text.startswith(raw, name)
        }
        return sorted(found)

    def definition(self, wanted: str) -> Definition | None:
        """What a name stands for: of several, what programs are linked to today, and what others see before what is static."""
        raw_name = wanted.encode("latin-1") + b"\0"
        found: list[tuple[tuple[object, ...], Definition]] = []
        for raw, text, versions in self._tables:
            for place, (name, info, section, value, size) in enumerate(self._entries(raw)):
                kind = info & 15
                if kind not in (_PLAIN, _DATA, _CODE, _INDIRECT) or not 0 < section < _SPECIAL:
                    continue
                if text.startswith(raw_name, name):
                    version = int.from_bytes(versions[2 * place : 2 * place + 2], "little")
                    rank = bool(version & _OLD), info >> 4 == _LOCAL, kind == _PLAIN
                    found.append((rank, Definition(value, size, kind in (_CODE, _INDIRECT))))
        return min(found)[1] if found else None


def _name(text: bytes, place: int) -> str:
    """A symbol's name, without the version that the linker writes behind it in .symtab."""
    return text[place : text.find(b"\0", place)].decode("latin-1").partition("@")[0]


def _rank(info: int, size: int, text: bytes, place: int) -> tuple[object, ...]:
    """Which of several symbols at an address is shown is the least of these: functions before data, global ones before local
    ones, then by what libproc goes by: few leading underscores, a small size, the alphabet."""
    name = _name(text, place)
    underscores = len(name) - len(name.lstrip("_"))
    return info & 15 == _DATA, info >> 4 == _LOCAL, name.startswith("$"), underscores, size, name
