"""Aggregations out of the kernel: swap the maps, wait, empty the old one (bpf maps of dtrace_py/codegen/aggregations.py)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence

from dtrace_py.codegen.layout import AggregationLayout, KeyField
from dtrace_py.kernel import bpf

Key = tuple[object, ...]
Words = list[int]

_MASK = (1 << 64) - 1

_BATCH_BYTES = 4 << 20
"""Elements are taken out as many at a time as fit here, for large values at least."""


class KernelAggregation:
    """One aggregation's maps. ``cpus`` is the number of possible CPUs: the kernel gives a value for each."""

    def __init__(self, layout: AggregationLayout, map_fd: Callable[[str], int], cpus: int) -> None:
        self.layout = layout
        self._outer = map_fd(layout.stem)
        self._inner = [map_fd(f"{layout.stem}_{number}") for number in (0, 1)]
        self._value_bytes = layout.words * 8 * (cpus if layout.per_cpu else 1)
        self._current = 0
        bpf.set_inner_map(self._outer, self._inner[0])

    def drain(self) -> Iterator[tuple[Key, Sequence[Words]]]:
        """Everything aggregated since the last time: each key once, with the value of each CPU that has one."""
        old = self._inner[self._current]
        self._current ^= 1
        bpf.set_inner_map(self._outer, self._inner[self._current])
        words, decode = self.layout.words, self._decoder()
        unpack = struct.Struct(f"<{self._value_bytes // 8}Q").unpack
        batch = max(1, min(1024, _BATCH_BYTES // self._value_bytes))
        for key, raw in bpf.drain(old, self._value_bytes, batch):
            values = unpack(raw)
            pieces = (
                [[word] for word in values]
                if words == 1
                else [[*values[n : n + words]] for n in range(0, len(values), words)]
            )
            yield decode(key), [piece for piece in pieces if any(piece)]

    def _decoder(self) -> Callable[[bytes], Key]:
        """Reads a key."""
        keys = self.layout.keys
        if len(keys) == 1:  # thousands of entries have mostly one key, a function's name
            only = keys[0]
            return lambda raw: (_part(only, raw),)
        return lambda raw: tuple([_part(field, raw) for field in keys])


def _part(field: KeyField, raw: bytes) -> object:
    piece = raw[field.offset : field.offset + field.size]
    if field.kind == "text":
        return piece.split(b"\0", 1)[0].decode("latin-1")
    if field.kind == "memory":
        return piece[: field.bytes]
    if field.kind == "stack":
        return _frames(struct.unpack(f"<{field.size // 8}Q", piece))
    if field.kind == "ustack":
        process, *addresses = struct.unpack(f"<{field.size // 8}Q", piece)
        return (process, *_frames(tuple(addresses)))
    if field.size == 16:  # a process and an address of it
        return struct.unpack("<QQ", piece)
    return int(struct.unpack("<q" if field.kind == "int" and field.signed else "<Q", piece)[0])


def _frames(addresses: tuple[int, ...]) -> tuple[int, ...]:
    return addresses[: addresses.index(0)] if 0 in addresses else addresses


def merge(function: str, into: Words | None, value: Words) -> Words:
    """Combine two values of an aggregation: the distances of min and max compete, all else adds up."""
    if into is None:
        return list(value)
    if len(value) == 1 and function in ("count", "sum"):
        return [into[0] + value[0] & _MASK]
    if function in ("min", "max"):
        return [max(into[0], value[0])]
    merged = [(a + b) & _MASK for a, b in zip(into, value, strict=True)]
    if function == "stddev" and into[2] + value[2] > _MASK:  # the squares are 128 bits wide
        merged[3] = (merged[3] + 1) & _MASK
    return merged
