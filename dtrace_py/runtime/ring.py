"""Reading the rings of bpf/ring.h: no system call, no lock, no word to the CPUs that write them."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from dtrace_py.kernel.bpf import Array

PUBLISHED, DISCARDED, FAULT, COMMIT, SHARED, SPECULATIVE = (1 << bit for bit in range(63, 57, -1))
"""Bits of a record's header (bpf/record.h)."""

FAULT_BYTES = 24
"""Size of struct fault_record."""

COMMIT_BYTES = 16
"""Size of struct speculative_record."""

HEAD, DROPPED, TAIL, IDENTITY, DATA = 0, 1, 8, 9, 16
"""Words of struct ring."""


class Rings:
    """The rings of all CPUs. ``sizes`` gives the bytes of a record by the number of its enabling.

    Rings that are ``read_at_end`` (bufpolicy fill and ring) show nothing before they are released.
    """

    def __init__(self, rings: Array, ring_bytes: int, sizes: dict[int, int], read_at_end: bool = False) -> None:
        self._rings = rings
        self._words = rings.words
        self._stride = rings.stride // 8
        self._ring = ring_bytes // 8
        self._sizes = {number: size // 8 for number, size in sizes.items()}
        self.cpus = rings.entries
        self.stride = rings.stride
        """Bytes from a CPU's ring to the next one's."""
        self.read_at_end = read_at_end
        self._held = read_at_end
        self.bytes = rings.view
        """All rings as bytes: what the places that ``records`` yields count in."""

    def learn(self, sizes: dict[int, int]) -> None:
        """There are records of further enablings."""
        self._sizes.update((number, size // 8) for number, size in sizes.items())

    def release(self) -> None:
        """Tracing is over: what there is can be read."""
        self._held = False

    def fill(self, cpu: int) -> float:
        """How full a CPU's ring is: 0 to 1. 0 also while there is nothing to do about it."""
        if self._held:
            return 0.0
        base = cpu * self._stride
        return (self._words[base + HEAD] - self._words[base + TAIL]) / (self._ring * 8)

    def word(self, place: int) -> int:
        """The 64-bit word at a place in ``bytes``."""
        return self._words[place // 8]

    def dropped(self, cpu: int) -> int:
        """Records that found no room since the start."""
        return self._words[cpu * self._stride + DROPPED]

    def identify(self, identity: int) -> None:
        """Mark the rings, for whoever looks for them in a memory dump."""
        for cpu in range(self.cpus):
            self._words[cpu * self._stride + IDENTITY] = identity

    def headers(self, cpu: int, most: int) -> Iterator[list[int]]:
        """What the CPU's ring holds, in pieces of at most so many, when every record is nothing but its header.

        A piece is freed when the next one is asked for.
        """
        if self._held:
            return
        base = cpu * self._stride
        head, tail = self._words[base + HEAD], self._words[base + TAIL]
        while tail < head:
            first = tail // 8 % self._ring
            count = min((head - tail) // 8, self._ring - first, most)
            start = base + DATA + first
            piece = self._words[start : start + count].tolist()
            complete = 0 not in piece
            if not complete:  # an interrupted producer has not published its record yet
                piece = piece[: piece.index(0)]
            if piece:
                yield piece
                tail += 8 * len(piece)
                self._free(base, start, start + len(piece), tail)
            if not complete:
                return

    def records(self, cpu: int) -> Generator[tuple[int, int, int], None, None]:
        """(header, place in ``bytes``, header of the next record or 0) of each published record of a CPU's ring.

        In order; a record's memory is freed some time after the next one has been asked for, or the generator is closed.
        """
        if self._held:
            return
        base = cpu * self._stride
        words, sizes, ring = self._words, self._sizes, self._ring
        head, tail = words[base + HEAD], words[base + TAIL]
        data = base + DATA
        while tail < head:
            first = at = data + tail // 8 % ring
            done = tail
            try:
                while at < data + ring and done < head:
                    header = words[at]
                    if header == 0:
                        break
                    if not header & (FAULT | COMMIT):
                        size = sizes[header >> 32 & 0xFFFF]
                    else:
                        size = (FAULT_BYTES if header & FAULT else COMMIT_BYTES) // 8
                    place, at, done = at * 8, at + size, done + size * 8
                    following = data + (at - data) % ring
                    yield header, place, words[following] if done < head else 0
            finally:  # also when the reader stops in the middle: what it has been given is read
                if done != tail:
                    self._free(base, first, at, done)
            if done == tail:  # an interrupted producer has not published its record yet
                return
            tail = done

    def _free(self, base: int, start: int, end: int, tail: int) -> None:
        """Give words back to the producers: zeroed first, so that nothing stale ever looks like a published record."""
        self.bytes[start * 8 : end * 8] = bytes((end - start) * 8)
        self._words[base + TAIL] = tail
