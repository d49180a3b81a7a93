"""Records of all CPUs in the order in which they were made (option temporal)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from heapq import merge
from operator import itemgetter

from dtrace_py.codegen.layout import ClauseLayout
from dtrace_py.runtime.ring import COMMIT, FAULT, Rings

_STRIDE = 1024
"""Records of a CPU between two looks at whether someone wants it to end."""

_Record = tuple[int, int, int]


def merged(
    rings: Rings, clauses: Mapping[int, ClauseLayout], cpus: Iterable[int], abandoned: Callable[[], bool]
) -> Generator[_Record, None, None]:
    """What one pass finds in the rings of these CPUs, as ``Rings.records`` tells it.

    It ends by itself soon after it is ``abandoned``: of every CPU the next record has been taken by then, and is still to come.
    """
    each = [_timed(rings, clauses, cpu, abandoned) for cpu in cpus]
    for _, record in merge(*each, key=itemgetter(0)):
        yield record


def _timed(
    rings: Rings, clauses: Mapping[int, ClauseLayout], cpu: int, abandoned: Callable[[], bool]
) -> Generator[tuple[int, _Record], None, None]:
    """A CPU's records, whose order remains what it is; faults and marks, which tell no time, come right behind another."""
    at = {number: 16 if layout.speculative else 8 for number, layout in clauses.items()}
    time = 0
    with closing(rings.records(cpu)) as records:
        for number, record in enumerate(records, start=1):
            header, place, _ = record
            if not header & (FAULT | COMMIT):
                time = max(time, rings.word(place + at[header >> 32 & 0xFFFF]))
            yield time, record
            if number % _STRIDE == 0 and abandoned():
                return
