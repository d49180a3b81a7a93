"""BTF, the kernel's description of its own types (Documentation/bpf/btf.rst): one blob, its types by number and by name."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF = range(1, 9)
VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT = range(9, 17)
DECL_TAG, TYPE_TAG, ENUM64 = 17, 18, 19

TRANSPARENT = frozenset((VOLATILE, CONST, RESTRICT, TYPE_TAG))

# Words (of 4 bytes) that follow the 3 that every type begins with, and words for each of its elements.
_FIXED = {INT: 1, ARRAY: 3, VAR: 1, DECL_TAG: 1}
_EACH = {STRUCT: 3, UNION: 3, DATASEC: 3, ENUM64: 3, ENUM: 2, FUNC_PROTO: 2}

_MANY = 30
"""Names that are not known, after which it pays to index all that are."""


class _Lengths(dict[int, int]):
    """Words that a type takes, by its second word, of which a kernel has a few hundred different ones."""

    def __missing__(self, info: int) -> int:
        kind = info >> 24 & 31
        self[info] = length = 3 + _FIXED.get(kind, 0) + _EACH.get(kind, 0) * (info & 0xFFFF)
        return length


class Record(NamedTuple):
    """A type: its number, name and kind, how many elements it has, the flag of its kind, and its size or the type it
    refers to. ``at`` is the place of its first word."""

    id: int
    name: str
    kind: int
    elements: int
    flag: bool
    size: int
    at: int


class Btf:
    """One blob. A module's stands upon the core kernel's (``base``), whose numbers and strings it goes on from."""

    def __init__(self, data: bytes, base: Btf | None = None) -> None:
        magic, _, _, head, types, length, strings, size = struct.unpack_from("<HBBIIIII", data)
        if magic != 0xEB9F:
            raise ValueError("not little-endian BTF")
        self.base = base
        self._types = data[head + types : head + types + length]
        self._words = memoryview(self._types).cast("I")
        self._strings = data[head + strings : head + strings + size]
        self._first_string = base.end_of_strings if base else 0
        self._first = base.count if base else 1
        self._unknown = 0
        """Names asked for that are not here."""

    @cached_property
    def _places(self) -> array[int]:
        """Where each type stands, in order of numbers."""
        words, lengths, at, end = self._words, _Lengths(), 0, len(self._words)
        places = array("I")
        append = places.append
        while at < end:
            append(at)
            at += lengths[words[at + 1]]
        return places

    @property
    def count(self) -> int:
        """The number after that of the last type."""
        return self._first + len(self._places)

    @property
    def end_of_strings(self) -> int:
        return self._first_string + len(self._strings)

    def owner(self, number: int) -> Btf:
        """The blob that a number of this one's is in: it, or the one below."""
        return self if self.base is None or number >= self._first else self.base

    def record(self, number: int) -> Record:
        """The type of that number, which is not 0 (void)."""
        if number < self._first and self.base:
            return self.base.record(number)
        at = self._places[number - self._first]
        name, info, size = self._words[at : at + 3]
        return Record(number, self.string(name), info >> 24 & 31, info & 0xFFFF, bool(info >> 31), size, at)

    def string(self, offset: int) -> str:
        if offset < self._first_string and self.base:
            return self.base.string(offset)
        start = offset - self._first_string
        return self._strings[start : self._strings.index(b"\0", start)].decode()

    def find(self, name: str, kinds: tuple[int, ...]) -> Record | None:
        """The first type of that name and kind in this blob itself."""
        for at in self._mentions(name):
            place = bisect_left(self._places, at)
            if place < len(self._places) and self._places[place] == at and self._words[at + 1] >> 24 & 31 in kinds:
                return self.record(self._first + place)
        return None

    @cached_property
    def functions(self) -> dict[str, int]:
        """The numbers of all functions of this blob itself, for who wants to know about very many."""
        words, places = self._words, self._places
        numbers = (n for n, at in enumerate(places) if words[at + 1] >> 24 & 31 == FUNC)
        return {self.string(words[places[n]]): self._first + n for n in numbers}

    def enumerator(self, name: str) -> Record | None:
        """The enumeration that has an enumerator of that name, in this blob itself."""
        for at in self._mentions(name):
            place = bisect_left(self._places, at + 1) - 1
            start = self._places[place]
            kind = self._words[start + 1] >> 24 & 31
            if kind in (ENUM, ENUM64) and at > start and (at - start - 3) % _EACH[kind] == 0:
                return self.record(self._first + place)
        return None

    def _mentions(self, name: str) -> Iterator[int]:
        """The words of the types that may be the place of that string: it is there only once."""
        offset = self._string_offset(name)
        if offset is None:
            return
        wanted = struct.pack("<I", offset)
        at = self._types.find(wanted)
        while at >= 0:
            if at % 4 == 0:
                yield at // 4
            at = self._types.find(wanted, at + 1)

    def _string_offset(self, name: str) -> int | None:
        found = self._own_offset(name.encode())
        if found is None:
            return self.base._string_offset(name) if self.base else None
        return self._first_string + found

    def _own_offset(self, name: bytes) -> int | None:
        """A search of all strings takes milliseconds, and an index of them the time of some dozens of searches."""
        if self._unknown >= _MANY:
            return self._offsets.get(name)
        if self._strings.startswith(name + b"\0"):  # a module's strings do not begin with an empty one
            return 0
        found = self._strings.find(b"\0" + name + b"\0")
        self._unknown += found < 0
        return found + 1 if found >= 0 else None

    @cached_property
    def _offsets(self) -> dict[bytes, int]:
        strings = self._strings.split(b"\0")[:-1]
        return dict(zip(strings, accumulate((len(each) + 1 for each in strings), initial=0), strict=False))

    # What follows a type's head

    def _body(self, record: Record, each: int) -> Iterator[tuple[int, ...]]:
        words = self.owner(record.id)._words
        for at in range(record.at + 3, record.at + 3 + each * record.elements, each):
            yield tuple(words[at : at + each])

    def members(self, record: Record) -> Iterator[tuple[str, int, int, int]]:
        """(name, type, offset in bits, width in bits or 0) of each member of a structure."""
        for name, kind, offset in self._body(record, 3):
            width, bits = (offset >> 24, offset & 0xFFFFFF) if record.flag else (0, offset)
            yield self.string(name), kind, bits, width

    def enumerators(self, record: Record) -> Iterator[tuple[str, int]]:
        """Name and value of each enumerator."""
        for name, low, *high in self._body(record, _EACH[record.kind]):
            value = low | high[0] << 32 if high else low
            width = 64 if high else 32
            yield self.string(name), value - (1 << width) if record.flag and value >> (width - 1) else value

    def parameters(self, record: Record) -> Iterator[tuple[str, int]]:
        """Name and type of each parameter of a function's prototype; type 0 stands for ``...``."""
        for name, kind in self._body(record, 2):
            yield self.string(name), kind

    def array(self, record: Record) -> tuple[int, int]:
        """Type of the elements and how many there are."""
        element, _, count = self.owner(record.id)._words[record.at + 3 : record.at + 6]
        return element, count

    def signed(self, record: Record) -> bool:
        """Whether an integer is."""
        return bool(self.owner(record.id)._words[record.at + 3] >> 24 & 1)

    def section(self, name: str) -> frozenset[int]:
        """The variables in a section of that name, in this blob itself."""
        record = self.find(name, (DATASEC,))
        return frozenset(kind for kind, _, _ in self._body(record, 3)) if record else frozenset()
