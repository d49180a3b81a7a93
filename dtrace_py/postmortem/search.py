"""Finding the black boxes in a dump, and the rings that each is about."""

from __future__ import annotations

from collections.abc import Iterator

from dtrace_py.kernel.bpf import Array
from dtrace_py.postmortem import box
from dtrace_py.postmortem.box import Box, DamagedBox
from dtrace_py.postmortem.core import Dump
from dtrace_py.postmortem.pages import KernelMemory
from dtrace_py.record import record
from dtrace_py.runtime.ring import DATA, IDENTITY

_LARGEST = 1 << 40
"""Bytes of the rings of one tracing."""


@record
class Found:
    """A tracing: its black box, and a copy of its rings."""

    box: Box
    rings: Array


def find(dump: Dump) -> Iterator[Found | DamagedBox]:
    """Every tracing that was alive, in order of its process id; and what looks like one and cannot be read."""
    memory = KernelMemory(dump)
    boxes: dict[int, Box] = {}
    for identity, contents in _boxes(dump, memory):
        try:
            boxes[identity] = box.decode(contents)
        except DamagedBox as error:
            yield error
    rings: dict[int, Array] = {}
    for physical, identity in dump.pages_with(IDENTITY, frozenset(boxes)) if boxes else ():
        for address in memory.addresses(physical):
            if (read := _rings(memory, address, boxes[identity], identity)) is not None:
                rings[identity] = read
    for identity, each in sorted(boxes.items(), key=lambda item: item[1].about.pid):
        if identity in rings:
            yield Found(each, rings[identity])
        else:
            yield DamagedBox(f"its rings are not in the dump (process {each.about.pid})")


def _boxes(dump: Dump, memory: KernelMemory) -> Iterator[tuple[int, bytes]]:
    """(identity, contents) of everything that begins like a box."""
    for physical, _ in dump.pages_with(0, frozenset([int.from_bytes(box.MAGIC[:8], "little")])):
        for address in memory.addresses(physical):
            header = memory.read(address, box.HEADER.size)
            if header is None:
                continue
            magic, identity, size = box.HEADER.unpack(header)
            if magic != box.MAGIC:
                continue
            contents = memory.read(address + box.HEADER.size, size) if size < _LARGEST else None
            yield identity, bytes(contents or b"")


def _rings(memory: KernelMemory, address: int, owner: Box, identity: int) -> Array | None:
    """The rings that begin at an address, if every CPU's has the identity."""
    about = owner.about
    ring = 8 * DATA + about.ring_bytes + owner.unit.slack
    if not 0 < about.cpus * about.stride < _LARGEST or about.stride % 8 or about.ring_bytes % 8 or ring > about.stride:
        return None
    content = memory.read(address, about.cpus * about.stride)
    if content is None:
        return None
    rings = Array(about.cpus, about.stride, content)
    identities = {rings.words[cpu * about.stride // 8 + IDENTITY] for cpu in range(about.cpus)}
    return rings if identities == {identity} else None
