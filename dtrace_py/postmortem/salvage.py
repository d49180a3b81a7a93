"""The whole records of a dead machine's rings.

A CPU that stopped within a clause leaves a record that it reserved and never published: its header is zero, and how long
it is cannot be seen. Records of what interrupted it may stand behind it. It is passed over by a length, among those that the
tracing's records have, from which the records behind it fit the rest of the ring exactly; of several ways to get there
the one with the fewest unfinished records is taken. (A flight recorder tells the length of such records, and its reader
passes over them by itself.)
"""

from __future__ import annotations

from dtrace_py.kernel.bpf import Array
from dtrace_py.postmortem.box import Box
from dtrace_py.record import record
from dtrace_py.runtime import flight
from dtrace_py.runtime.ring import COMMIT, COMMIT_BYTES, DATA, FAULT, FAULT_BYTES, HEAD, PUBLISHED, TAIL, Rings


@record
class Lost:
    """What of one ring cannot be read: records that were never published, and bytes that could not be told apart."""

    unfinished: int = 0
    unreadable: int = 0


def readable(box: Box, memory: Array) -> tuple[Rings, list[Lost]]:
    """The rings, ready to be read like those of a living machine, and what of each is lost. Changes ``memory``."""
    about, lengths = box.about, _Lengths(box)
    sizes = {number: layout.size for number, layout in box.unit.clauses.items()}
    rings = flight.rings(memory, about.ring_bytes, sizes, about.bufpolicy)
    rings.release()
    lost = []
    for start in range(0, len(memory.words), about.stride // 8):
        words = memory.words[start : start + about.stride // 8]
        if about.bufpolicy == "ring":
            lost.append(Lost(words[HEAD] & flight.OPEN))
        else:
            lost.append(_Ring(words, about.ring_bytes, lengths).salvage())
    return rings, lost


class _Lengths:
    """How long records are, by their headers."""

    def __init__(self, box: Box) -> None:
        self._probes = len(box.plan.probes)
        self._sizes = {number: layout.size for number, layout in box.unit.clauses.items()}
        self._faulting = {number for number, layout in box.unit.clauses.items() if layout.can_fault}
        self._speculates = any(layout.speculative for layout in box.unit.clauses.values())
        possible = {*self._sizes.values(), *([FAULT_BYTES] if self._faulting else [])}
        possible.update([COMMIT_BYTES] if self._speculates else [])
        self.possible = sorted(size for size in possible if size > 0 and size % 8 == 0)

    def of(self, header: int) -> int:
        """Bytes of the record with this header; 0 if nothing that the tracing wrote has such a one."""
        enabling = header >> 32 & 0xFFFF
        if not header & PUBLISHED or enabling not in self._sizes or header & 0xFFFFFFFF >= self._probes:
            return 0
        if header & FAULT:
            return FAULT_BYTES if enabling in self._faulting else 0
        if header & COMMIT:
            return COMMIT_BYTES if self._speculates else 0
        return self._sizes[enabling] if self._sizes[enabling] in self.possible else 0


class _Ring:
    """One CPU's ring: its 64-bit words, and what its records can be."""

    def __init__(self, words: memoryview, ring_bytes: int, lengths: _Lengths) -> None:
        self._words = words
        self._bytes = ring_bytes
        self._lengths = lengths
        self._head, self._tail = words[HEAD], words[TAIL]

    def salvage(self) -> Lost:
        """Take out what is not a whole record, so that the ring reads like that of a living machine, from its start."""
        if not self._tail <= self._head <= self._tail + self._bytes:
            self._put([])
            return Lost(unreadable=self._bytes)
        records: list[memoryview] = []
        gaps: dict[int, int] = {}
        at, unfinished = self._tail, 0
        while at < self._head:
            if 0 < (size := self._length(at)) <= self._head - at:
                word = self._word(at)
                records.append(self._words[word : word + size // 8])
            else:
                gaps = gaps or self._gaps(at)
                if at not in gaps:
                    break
                size = gaps[at]
                unfinished += 1
            at += size
        self._put(records)
        return Lost(unfinished, self._head - at)

    def _word(self, position: int) -> int:
        return DATA + position % self._bytes // 8

    def _length(self, position: int) -> int:
        return self._lengths.of(self._words[self._word(position)])

    def _gaps(self, start: int) -> dict[int, int]:
        """Bytes of unfinished records by the positions where they can be, from one position on."""
        gaps: dict[int, int] = {}
        unfinished = {self._head: 0}
        """The fewest unfinished records from a position to the head; without those that do not lead there."""
        for position in range(self._head - 8, start - 8, -8):
            if size := self._length(position):
                if position + size in unfinished:
                    unfinished[position] = unfinished[position + size]
            elif self._words[self._word(position)] == 0:
                ways = [(unfinished[end], end) for s in self._lengths.possible if (end := position + s) in unfinished]
                if ways:
                    fewest, end = min(ways)
                    unfinished[position], gaps[position] = fewest + 1, end - position
        return gaps

    def _put(self, records: list[memoryview]) -> None:
        content = b"".join(records)
        self._words[DATA : DATA + len(content) // 8] = memoryview(content).cast("Q")
        self._words[HEAD], self._words[TAIL] = len(content), 0
