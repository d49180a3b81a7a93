"""Fields of a record: from bytes in the ring to values."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import assert_never

from dtrace_py.codegen import layout
from dtrace_py.output import users
from dtrace_py.output.printf import Argument
from dtrace_py.providers.probe import Probe

Reader = Callable[[int, Probe], Argument]
"""Reads a field of the record at a place in the rings."""

_CODES = {(1, True): "b", (1, False): "B", (2, True): "h", (2, False): "H"}
_CODES |= {(4, True): "i", (4, False): "I", (8, True): "q", (8, False): "Q"}


def reader(field: layout.Field, rings: memoryview) -> Reader:
    """A function that reads this field."""
    match field:
        case layout.IntField(offset=offset, size=size, signed=signed):
            unpack = struct.Struct("<" + _CODES[size, signed]).unpack_from
            return lambda place, _: Argument(unpack(rings, place + offset)[0], size, signed)
        case layout.TextField(offset=offset, size=size):
            return lambda place, _: Argument(_text(rings[place + offset : place + offset + size]))
        case layout.BytesField(offset=offset, size=size) | layout.ShownField(offset=offset, size=size):
            return lambda place, _: Argument(bytes(rings[place + offset : place + offset + size]), size)
        case layout.StackField(offset=offset, frames=frames):
            unpack_stack = struct.Struct(f"<{frames}Q").unpack_from
            return lambda place, _: Argument(_frames(unpack_stack(rings, place + offset)), symbol="stack")
        case layout.SymbolField(offset=offset, what=what):
            unpack_address = struct.Struct("<Q").unpack_from
            return lambda place, _: Argument(unpack_address(rings, place + offset)[0], symbol=what)
        case layout.UserStackField(offset=offset, frames=frames, strings=strings):
            unpack_user = struct.Struct(f"<{1 + frames}Q").unpack_from
            room = strings << users.STRINGS
            return lambda place, _: Argument(
                _process_frames(room, *unpack_user(rings, place + offset)), symbol="ustack"
            )
        case layout.UserSymbolField(offset=offset, what=what):
            unpack_pair = struct.Struct("<QQ").unpack_from
            return lambda place, _: Argument(unpack_pair(rings, place + offset), symbol=what)
        case layout.NameField(part=part):
            return lambda _, probe: Argument(str(probe[1 + part]))
        case layout.ConstantField(value=value, size=size, signed=signed):
            constant = Argument(value, size, signed)
            return lambda _place, _probe: constant
    assert_never(field)


def _text(raw: memoryview) -> str:
    return bytes(raw).split(b"\0", 1)[0].decode("latin-1")


def _frames(addresses: tuple[int, ...]) -> tuple[int, ...]:
    return addresses[: addresses.index(0)] if 0 in addresses else addresses


def _process_frames(room: int, process: int, *addresses: int) -> tuple[int, ...]:
    return (room | process, *_frames(addresses))
