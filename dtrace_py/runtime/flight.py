"""Reading the rings of bufpolicy=ring, flight recorders: the last records before the end, oldest first."""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterator

from dtrace_py.kernel.bpf import Array
from dtrace_py.runtime.ring import COMMIT, COMMIT_BYTES, DATA, FAULT, FAULT_BYTES, HEAD, PUBLISHED, TAIL, Rings

_BASE = 2
OPEN = 7
"""The bits of head that count the records which are not published (RING_OPEN)."""


def rings(mapped: Array, ring_bytes: int, sizes: dict[int, int], bufpolicy: str) -> Rings:
    """The reader that a policy needs."""
    if bufpolicy == "ring":
        return FlightRings(mapped, ring_bytes, sizes)
    return Rings(mapped, ring_bytes, sizes, read_at_end=bufpolicy == "fill")


class FlightRings(Rings):
    """Rings whose oldest records were overwritten (RING_OVERWRITES).

    Records lie in the reverse order of their positions: one that ends at a position begins at minus that position, and
    its end is where the next older one begins. They are read when nobody writes any more; in a dump of memory there may be
    records that were never published, and these are left out.
    """

    def __init__(self, mapped: Array, ring_bytes: int, sizes: dict[int, int]) -> None:
        super().__init__(mapped, ring_bytes, sizes, read_at_end=True)

    def fill(self, cpu: int) -> float:
        return 0.0

    def headers(self, cpu: int, most: int) -> Iterator[list[int]]:
        if self._held:
            return
        data = cpu * self._stride + DATA
        end, at = self._window(cpu)
        while at < end:
            newest = -(at + 8) // 8 % self._ring
            count = min((end - at) // 8, newest + 1, most)
            piece = self._words[data + newest + 1 - count : data + newest + 1].tolist()
            yield [header for header in reversed(piece) if header & PUBLISHED]
            at += 8 * count
            self._words[cpu * self._stride + TAIL] = at

    def records(self, cpu: int) -> Generator[tuple[int, int, int], None, None]:
        if self._held:
            return
        words = self._words
        places = self._places(cpu)
        words[cpu * self._stride + TAIL] = words[cpu * self._stride + HEAD] & ~OPEN
        while places:
            at = places.pop()
            yield words[at], at * 8, words[places[-1]] if places else 0

    def _window(self, cpu: int) -> tuple[int, int]:
        """The newest position, and the oldest that has not been overwritten or read."""
        words, control = self._words, cpu * self._stride
        end = words[control + HEAD] & ~OPEN
        return end, max(end - self._ring * 8, words[control + TAIL])

    def _places(self, cpu: int) -> array[int]:
        """The words where published records begin, the newest first."""
        words, control = self._words, cpu * self._stride
        end, oldest = self._window(cpu)
        places, whole = self._walk(cpu, end, oldest)
        if words[control + HEAD] & OPEN and not whole:
            # Somebody had reserved and not yet said how much: what is older than all such records can be read.
            places, _ = self._walk(cpu, words[control + _BASE], oldest)
        return places

    def _walk(self, cpu: int, end: int, oldest: int) -> tuple[array[int], bool]:
        """From a position back to the oldest that is whole. The second says whether all open records were passed."""
        words, sizes, control = self._words, self._sizes, cpu * self._stride
        data, base = control + DATA, words[control + _BASE]
        places = array("I")
        at, unfinished, passed_base = end, 0, end == base
        while at > oldest:
            place = data + -at // 8 % self._ring
            header = words[place]
            if not header & PUBLISHED:
                size = header
            elif header & FAULT:
                size = FAULT_BYTES
            elif header & COMMIT:
                size = COMMIT_BYTES
            else:
                size = sizes.get(header >> 32 & 0xFFFF, 0) * 8
            if not 0 < size <= at - oldest:
                break
            if header & PUBLISHED:
                places.append(place)
            else:
                unfinished += 1
            at -= size
            passed_base = passed_base or at == base
        return places, passed_base and unfinished == words[control + HEAD] & OPEN
