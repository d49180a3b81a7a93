"""Records of several CPUs, merged by time (option temporal)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

from dtrace_py.codegen.layout import ClauseLayout
from dtrace_py.consumer.temporal import merged
from dtrace_py.runtime.ring import FAULT, PUBLISHED, Rings

_CLAUSES = {0: ClauseLayout(cast(Any, None), 16, (), False), 1: ClauseLayout(cast(Any, None), 24, (), False, True)}


class _Rings:
    """Of each CPU the headers and times of its records."""

    def __init__(self, *cpus: list[tuple[int, int]]) -> None:
        self.cpus = cpus
        self.words: dict[int, int] = {}
        self.read = [0] * len(cpus)

    def records(self, cpu: int) -> Generator[tuple[int, int, int], None, None]:
        for number, (header, time) in enumerate(self.cpus[cpu]):
            place = cpu << 20 | number * 24
            self.words[place + (16 if header >> 32 & 1 else 8)] = time
            yield PUBLISHED | header, place, 0
            self.read[cpu] += 1

    def word(self, place: int) -> int:
        return self.words[place]


def _order(rings: _Rings, ends: bool = False) -> list[tuple[int, int]]:
    found = merged(cast(Rings, rings), _CLAUSES, range(len(rings.cpus)), lambda: ends)
    return [(place >> 20, place % (1 << 20) // 24) for _, place, _ in found]


def test_by_time() -> None:
    rings = _Rings([(0, 10), (1 << 32, 30)], [(0, 20), (0, 25), (0, 40)])
    assert _order(rings) == [(0, 0), (1, 0), (1, 1), (0, 1), (1, 2)]


def test_a_cpu_keeps_its_order() -> None:
    """An interrupt's record may have an earlier time than that of the one it came behind; a fault tells none."""
    assert _order(_Rings([(0, 30), (0, 20), (FAULT, 0), (0, 50)], [(0, 40)])) == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (0, 3),
    ]


def test_abandoned() -> None:
    """It ends soon, and what it has taken is all told."""
    rings = _Rings([(0, time) for time in range(5000)], [(0, 3000)])
    told = _order(rings, ends=True)
    assert told == [*((0, number) for number in range(1024)), (1, 0)]
