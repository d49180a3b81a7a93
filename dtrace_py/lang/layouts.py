"""Where C puts the members of a structure on x86-64 (contract D1, D2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from dtrace_py.lang.facts import Field
from dtrace_py.lang.types import ArrayType, FloatType, IntType, StringType, StructType, Type, size_of

if TYPE_CHECKING:
    from dtrace_py.lang.own_types import OwnTypes


class Layout(NamedTuple):
    """Bytes, alignment in bytes, and the members by name; anonymous ones have an empty name."""

    size: int
    align: int
    members: tuple[tuple[str, Field], ...]


def lay_out(members: Iterable[tuple[str, Type, int | None]], union: bool, source: OwnTypes, strsize: int) -> Layout:
    """The layout of members given by name, type and, for bit-fields, width. Their types are complete."""
    placed: list[tuple[str, Field]] = []
    end, align = 0, 1  # end in bits
    for name, kind, width in members:
        size = (size_of(kind, source, strsize) or 0) * 8
        own = align_of(kind, source)
        align = max(align, own)
        start = 0 if union else end
        if width is None:
            start = _up(start, own * 8)
        elif start // size != (start + width - 1) // size:
            start = _up(start, size)  # a bit-field stays within one unit of its type
        placed.append((name, Field(kind, start, width)))
        end = max(end, start + (size if width is None else width))
    return Layout(_up(end, align * 8) // 8, align, tuple(placed))


def align_of(kind: Type, source: OwnTypes) -> int:
    """The alignment of a type in bytes."""
    match kind:
        case IntType(size=size):
            return size
        case FloatType(name=name, size=size, chain=chain):
            return size // 2 if "_Complex" in (chain[-1] if chain else name) else size
        case StringType():
            return 1
        case ArrayType(element=element):
            return align_of(element, source)
        case StructType():
            return source.align(kind)
    return 8


def _up(bits: int, to: int) -> int:
    return -(-bits // to) * to
