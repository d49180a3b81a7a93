"""Kernel types from BTF (Documentation/bpf/btf.rst): structures by name, their members, typedefs."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from functools import cached_property
from pathlib import Path

from dtrace_py.errors import DtpyError
from dtrace_py.kernel.requirements import ANOTHER_KERNEL, BTF
from dtrace_py.lang.types import (
    ArrayType,
    Field,
    FunctionType,
    IntType,
    PointerType,
    StructType,
    Type,
    VoidType,
)
from dtrace_py.record import record

_INT, _PTR, _ARRAY, _STRUCT, _UNION, _ENUM, _FWD, _TYPEDEF = range(1, 9)
_VOLATILE, _CONST, _RESTRICT, _FUNC, _FUNC_PROTO, _VAR, _DATASEC, _FLOAT = range(9, 17)
_DECL_TAG, _TYPE_TAG, _ENUM64 = 17, 18, 19

# What follows the 12 bytes that every type begins with: bytes, and bytes for each of its vlen elements.
_EXTRA = {_INT: (4, 0), _ARRAY: (12, 0), _VAR: (4, 0), _DECL_TAG: (4, 0)}
_EXTRA |= dict.fromkeys((_STRUCT, _UNION, _DATASEC, _ENUM64), (0, 12))
_EXTRA |= dict.fromkeys((_ENUM, _FUNC_PROTO), (0, 8))

_TRANSPARENT = frozenset((_VOLATILE, _CONST, _RESTRICT, _TYPE_TAG))
_ANONYMOUS = "#"
"""Begins the name that an unnamed structure goes by here: ``struct #1234``."""


@record
class _Record:
    """The head of a type: where its name is, its kind, how many elements, and its size or the type it refers to."""

    name: int
    kind: int
    elements: int
    flag: bool
    size: int
    at: int

    @property
    def body(self) -> int:
        return self.at + 12


class Btf:
    """The types of one BTF blob, read when the first of them is asked for."""

    def __init__(self, path: Path = Path(BTF)) -> None:
        self._path = path

    @cached_property
    def _data(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise DtpyError(
                f"this kernel was built without BTF (CONFIG_DEBUG_INFO_BTF), its own types: {ANOTHER_KERNEL}"
            ) from error

    @cached_property
    def _sections(self) -> tuple[int, int, int]:
        """Start and end of the types, and start of the strings."""
        magic, _, _, head, types, length, strings, _ = struct.unpack_from("<HBBIIIII", self._data)
        if magic != 0xEB9F:
            raise ValueError(f"{self._path} is not little-endian BTF")
        return head + types, head + types + length, head + strings

    @cached_property
    def _index(self) -> array[int]:
        """Where each type stands, by its id; 0 for void."""
        at, end, _ = self._sections
        data, unpack, places = self._data, struct.Struct("<I").unpack_from, array("I", [0])
        sizes = [(12 + _EXTRA.get(kind, (0, 0))[0], _EXTRA.get(kind, (0, 0))[1]) for kind in range(32)]
        while at < end:
            places.append(at)
            info = unpack(data, at + 4)[0]
            fixed, each = sizes[info >> 24 & 31]
            at += fixed + each * (info & 0xFFFF) if each else fixed
        return places

    # TypeSource

    def typedef(self, name: str) -> Type | None:
        found = self._named(name, (_TYPEDEF,))
        return self._type(found.size, name) if found else None

    def has_struct(self, name: str) -> bool:
        return self._structure(name) is not None

    def size(self, struct: str) -> int:
        found = self._structure(struct)
        if found is None:
            raise KeyError(struct)
        return found.size

    def member(self, struct: str, member: str) -> Field | None:
        found = self._structure(struct)
        return self._member(found, member, 0) if found else None

    def offset(self, struct: str, member: str) -> int:
        """The offset in bytes of a direct member; KeyError if there is none."""
        found = self._structure(struct)
        for name, _, bits, _ in self._members(found) if found else ():
            if self._string(name) == member:
                return bits // 8
        raise KeyError(f"{struct}.{member}")

    # Records

    def _structure(self, name: str) -> _Record | None:
        keyword, _, tag = name.partition(" ")
        if tag.startswith(_ANONYMOUS):
            return self._record(self._index[int(tag[1:])])
        kinds = {"struct": (_STRUCT,), "union": (_UNION,)}.get(keyword, ())
        return self._named(tag, kinds)

    def _named(self, name: str, kinds: tuple[int, ...]) -> _Record | None:
        """The type of that name and kind, found by looking for its name's place in the string section."""
        start, end, strings = self._sections
        place = self._data.find(b"\0" + name.encode() + b"\0", strings)
        if place < 0:
            return None
        wanted = struct.pack("<I", place + 1 - strings)
        at = self._data.find(wanted, start, end)
        while at >= 0:
            if (record := self._record(at)).kind in kinds and self._is_start(at):
                return record
            at = self._data.find(wanted, at + 1, end)
        return None

    def _is_start(self, at: int) -> bool:
        """Whether a type begins there: the same bytes may be the inside of another one."""
        place = bisect_left(self._index, at)
        return place < len(self._index) and self._index[place] == at

    def _record(self, at: int) -> _Record:
        name, info, size = struct.unpack_from("<III", self._data, at)
        return _Record(name, info >> 24 & 31, info & 0xFFFF, bool(info >> 31), size, at)

    def _string(self, offset: int) -> str:
        start = self._sections[2] + offset
        return self._data[start : self._data.index(b"\0", start)].decode()

    def _members(self, record: _Record) -> list[tuple[int, int, int, int]]:
        """(name, type id, offset in bits, width in bits or 0) of each member."""
        found = []
        for number in range(record.elements):
            name, kind, offset = struct.unpack_from("<III", self._data, record.body + number * 12)
            width = offset >> 24 if record.flag else 0
            found.append((name, kind, offset & 0xFFFFFF if record.flag else offset, width))
        return found

    def _member(self, record: _Record, wanted: str, base: int) -> Field | None:
        for name, kind, bits, width in self._members(record):
            if name and self._string(name) == wanted:
                return Field(self._type(kind), base + bits, width or None)
            if name == 0:
                inner = self._resolved(kind)
                if inner and inner.kind in (_STRUCT, _UNION) and (field := self._member(inner, wanted, base + bits)):
                    return field
        return None

    def _resolved(self, kind: int) -> _Record | None:
        while kind:
            record = self._record(self._index[kind])
            if record.kind not in _TRANSPARENT and record.kind != _TYPEDEF:
                return record
            kind = record.size
        return None

    # Types

    def _type(self, kind: int, alias: str = "") -> Type:
        """The D type of a type id; ``alias`` is the typedef name that leads to it, which integers keep."""
        if kind == 0:
            return VoidType()
        record = self._record(self._index[kind])
        name = self._string(record.name)
        if record.kind in _TRANSPARENT:
            return self._type(record.size, alias)
        match record.kind:
            case 8:  # _TYPEDEF
                return self._type(record.size, alias or name)
            case 1:  # _INT
                (encoding,) = struct.unpack_from("<I", self._data, record.body)
                signed = bool(encoding >> 24 & 1) or name == "char"  # T2; BTF does not say
                return IntType(alias or name, record.size, signed)
            case 6 | 19:  # _ENUM, _ENUM64
                return IntType(alias or f"enum {name}", record.size, record.flag)
            case 2:  # _PTR
                return PointerType(self._type(record.size) if not self._is_pointer_loop(record) else VoidType())
            case 3:  # _ARRAY
                element, _, count = struct.unpack_from("<III", self._data, record.body)
                return ArrayType(self._type(element), count)
            case 4 | 5 | 7:  # _STRUCT, _UNION, _FWD
                union = record.kind == _UNION or (record.kind == _FWD and record.flag)
                return StructType(f"{'union' if union else 'struct'} {name or f'{_ANONYMOUS}{kind}'}")
            case 13 | 12:  # _FUNC_PROTO, _FUNC
                return FunctionType()
        return VoidType()

    def _is_pointer_loop(self, record: _Record) -> bool:
        return record.size != 0 and self._index[record.size] == record.at
