"""The reading end of flight recorders: the newest lap, oldest first; what was never published is left out."""

from __future__ import annotations

import pytest

from dtrace_py.runtime.flight import FlightRings, rings
from dtrace_py.runtime.ring import DATA, FAULT, HEAD, PUBLISHED, TAIL
from tests.unit.test_ring import BYTES, STRIDE, Memory, header, memory

BASE = 2


def reader(of: Memory, sizes: dict[int, int]) -> FlightRings:
    made = FlightRings(of, BYTES, sizes)  # type: ignore[arg-type]
    made.release()
    return made


def reserve(of: Memory, size: int) -> int:
    """The first half of what bpf/ring.h does, on CPU 1; returns the word where the record is."""
    control = STRIDE // 8
    head = of.words[control + HEAD]
    if not head & 7:
        of.words[control + BASE] = head
    of.words[control + HEAD] = head + size + 1
    at = control + DATA + -((head & ~7) + size) % BYTES // 8
    of.words[at] = size
    for word in range(1, size // 8):
        of.words[at + word] = 7
    return at


def publish(of: Memory, at: int, text: int) -> None:
    of.words[at] = text
    of.words[STRIDE // 8 + HEAD] -= 1


def produce(of: Memory, size: int, text: int) -> None:
    publish(of, reserve(of, size), text)


def numbers(of: FlightRings) -> list[int]:
    return [each & 0xFFFF for each, _, _ in of.records(1)]


def test_nothing_before_the_end() -> None:
    mapped = memory()
    for policy in ("fill", "ring"):
        held = rings(mapped, BYTES, {0: 16}, policy)  # type: ignore[arg-type]
        produce(mapped, 16, header(0, 1))
        assert (list(held.records(1)), list(held.headers(1, 9)), held.fill(1)) == ([], [], 0.0)


@pytest.mark.parametrize("size", [8, 16, 24, 40, 64])
@pytest.mark.parametrize("count", [1, 3, 4, 30, 200])
def test_the_last_ones_that_fit(size: int, count: int) -> None:
    mapped = memory()
    for number in range(count):
        produce(mapped, size, header(0, number))
    flight = reader(mapped, {0: size})
    seen = [(each & 0xFFFF, following & 0xFFFF) for each, _, following in flight.records(1)]
    expected = list(range(max(0, count - BYTES // size), count))
    assert seen == list(zip(expected, [*expected[1:], 0], strict=True))
    assert (numbers(flight), list(flight.records(0))) == ([], [])
    produce(mapped, size, header(0, 500))
    assert numbers(flight) == [500], "END's records come in a second reading"


@pytest.mark.parametrize("most", [1, 5, 1000])
@pytest.mark.parametrize("count", [3, 32, 45, 100])
def test_headers(count: int, most: int) -> None:
    mapped = memory()
    for number in range(count):
        produce(mapped, 8, header(0, number))
    flight = reader(mapped, {0: 8})
    pieces = list(flight.headers(1, most))
    assert [each & 0xFFFF for piece in pieces for each in piece] == list(range(max(0, count - BYTES // 8), count))
    assert max(map(len, pieces)) <= most
    assert list(flight.headers(1, most)) == []


def test_records_are_whole_where_they_run_into_the_slack() -> None:
    mapped = memory()
    for number in range(100):
        at = reserve(mapped, 40)
        for word in range(1, 5):
            mapped.words[at + word] = number
        publish(mapped, at, header(0, number))
    for each, place, _ in reader(mapped, {0: 40}).records(1):
        assert set(mapped.words[place // 8 + 1 : place // 8 + 5]) == {each & 0xFFFF}


def test_sizes_mix_with_faults() -> None:
    mapped = memory()
    sizes = {0: 16, 1: 48}
    for number in range(50):
        if number % 3 == 2:
            produce(mapped, 24, header(0, number) | FAULT)
        else:
            produce(mapped, sizes[number % 3], header(number % 3, number))
    seen = numbers(reader(mapped, sizes))
    assert seen == list(range(50 - len(seen), 50))
    assert len(seen) >= BYTES // 48


def test_a_dump_with_unfinished_records_shows_the_others() -> None:
    mapped = memory()
    produce(mapped, 16, header(0, 1))
    outer = reserve(mapped, 16)
    produce(mapped, 16, header(0, 2))
    reserve(mapped, 16)
    produce(mapped, 16, header(0, 3))
    assert numbers(reader(mapped, {0: 16})) == [1, 2, 3]
    mapped.words[STRIDE // 8 + TAIL] = 0
    publish(mapped, outer, header(0, 9))
    assert numbers(reader(mapped, {0: 16})) == [1, 9, 2, 3]


@pytest.mark.parametrize("stale", [0, 24, 5, PUBLISHED | 1 << 32, PUBLISHED | 7 << 32 | 1, PUBLISHED | FAULT])
def test_a_dump_between_reserving_and_saying_how_much(stale: int) -> None:
    """Whatever was there before: what is older than all unfinished records is shown."""
    mapped = memory()
    for number in range(1, 5):
        produce(mapped, 16, header(0, number))
    mapped.words[reserve(mapped, 16)] = stale
    assert numbers(reader(mapped, {0: 16, 1: 64})) == [1, 2, 3, 4]
