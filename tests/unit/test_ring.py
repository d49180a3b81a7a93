"""The reading end of the rings: wrap, records not yet published, memory given back zeroed."""

from __future__ import annotations

from array import array
from contextlib import closing
from dataclasses import dataclass

from dtrace_py.runtime.ring import DATA, DISCARDED, DROPPED, FAULT, HEAD, PUBLISHED, TAIL, Rings

BYTES, SLACK = 256, 64
STRIDE = 8 * DATA + BYTES + SLACK


@dataclass
class Memory:
    """What a mapped array of two rings is."""

    entries: int
    stride: int
    view: memoryview
    words: memoryview


def memory() -> Memory:
    view = memoryview(bytearray(2 * STRIDE))
    return Memory(2, STRIDE, view, view.cast("Q"))


def rings(of: Memory, sizes: dict[int, int]) -> Rings:
    return Rings(of, BYTES, sizes)  # type: ignore[arg-type]


def produce(of: Memory, cpu: int, size: int, header: int, payload: int = 0, publish: bool = True) -> int:
    """What bpf/ring.h does; returns the word where the record is."""
    base = cpu * STRIDE // 8
    head = of.words[base + HEAD]
    of.words[base + HEAD] = head + size
    at = base + DATA + head % BYTES // 8
    for word in range(1, size // 8):
        of.words[at + word] = payload
    if publish:
        of.words[at] = header
    return at


def header(enabling: int, probe: int) -> int:
    return PUBLISHED | enabling << 32 | probe


def test_records_in_order_and_memory_zeroed() -> None:
    mapped = memory()
    reader = rings(mapped, {0: 16, 1: 24})
    for number in range(5):
        produce(mapped, 1, 16 if number % 2 else 24, header(1 - number % 2, number), payload=7)
    assert [each & 0xFF for each, _, _ in reader.records(1)] == [0, 1, 2, 3, 4]
    assert list(reader.records(0)) == []
    data = mapped.words[STRIDE // 8 + DATA : 2 * STRIDE // 8]
    assert array("Q", data) == array("Q", bytes(len(data) * 8)), "nothing stale may ever look like a header"
    assert mapped.words[STRIDE // 8 + TAIL] == mapped.words[STRIDE // 8 + HEAD]


def test_many_rounds_through_the_end_into_the_slack() -> None:
    mapped = memory()
    reader = rings(mapped, {0: 40})
    seen = []
    for number in range(200):
        produce(mapped, 0, 40, header(0, number), payload=number)
        if number % 3 == 2:
            for each, place, _ in reader.records(0):
                assert mapped.words[place // 8 + 4] == each & 0xFFFF, "the record is whole where it runs into the slack"
                seen.append(each & 0xFFFF)
    assert seen == list(range(198))


def test_an_unpublished_record_holds_back_what_is_behind_it() -> None:
    mapped = memory()
    reader = rings(mapped, {0: 16})
    produce(mapped, 0, 16, header(0, 1))
    late = produce(mapped, 0, 16, 0, publish=False)
    produce(mapped, 0, 16, header(0, 3))
    assert [each & 0xFF for each, _, _ in reader.records(0)] == [1]
    assert list(reader.records(0)) == []
    mapped.words[late] = header(0, 2)
    assert [each & 0xFF for each, _, _ in reader.records(0)] == [2, 3]


def test_headers_stop_there_too() -> None:
    mapped = memory()
    reader = rings(mapped, {0: 8})
    for number in range(30):
        produce(mapped, 0, 8, header(0, number))
    assert [each & 0xFF for piece in reader.headers(0, 7) for each in piece] == list(range(30))
    for number in range(30):
        produce(mapped, 0, 8, header(0, number), publish=number != 20)
    assert [each & 0xFF for piece in reader.headers(0, 100) for each in piece] == list(range(20))


def test_faults_and_discarded_records_have_their_sizes() -> None:
    mapped = memory()
    reader = rings(mapped, {0: 48})
    produce(mapped, 0, 48, header(0, 1) | DISCARDED)
    produce(mapped, 0, 24, header(0, 2) | FAULT)
    produce(mapped, 0, 48, header(0, 3))
    assert [each & 0xFF for each, _, _ in reader.records(0)] == [1, 2, 3]


def test_what_was_read_before_the_reader_stopped_is_not_read_again() -> None:
    mapped = memory()
    reader = rings(mapped, {0: 8})
    for number in range(10):
        produce(mapped, 0, 8, header(0, number))
    with closing(reader.records(0)) as records:
        assert [next(records)[0] & 0xFF for _ in range(4)] == [0, 1, 2, 3]
    assert [each & 0xFF for each, _, _ in reader.records(0)] == [4, 5, 6, 7, 8, 9]
    for number in range(10):
        produce(mapped, 0, 8, header(0, number))
    for piece in reader.headers(0, 4):
        if piece[0] & 0xFF == 4:
            break  # this piece was not worked off
    assert [each & 0xFF for piece in reader.headers(0, 4) for each in piece] == [4, 5, 6, 7, 8, 9]


def test_the_next_header_is_told() -> None:
    mapped = memory()
    reader = rings(mapped, {0: 8})
    produce(mapped, 0, 8, header(0, 1))
    produce(mapped, 0, 8, header(0, 2))
    assert [(each & 0xFF, following & 0xFF) for each, _, following in reader.records(0)] == [(1, 2), (2, 0)]


def test_fill_and_drops() -> None:
    mapped = memory()
    reader = rings(mapped, {0: 64})
    produce(mapped, 0, 64, header(0, 1))
    mapped.words[DROPPED] = 9
    assert reader.fill(0) == 0.25
    assert (reader.dropped(0), reader.dropped(1)) == (9, 0)
