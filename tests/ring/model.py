"""The ring of bpf/ring.h as a model: every order in which its steps can happen is tried.

A step is one access to memory that others can see. Producers share one CPU: with ``nesting`` each may interrupt those
before it at any step, and is done before they go on; without it they are tasks that preempt each other in any order. The
consumer is on another CPU, and as slow as it can be. What must hold is asserted in every state (checks.py).

Sizes and positions are in words here. ``head`` is a pair, the position and the number of open records: one word in C.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

RING, TRIES = 4, 3
"""Words of a ring, and how often a reservation tries."""

Record = tuple[int, int]
"""A producer, and which of its records it is."""


@dataclass(frozen=True)
class Header:
    """The first word of a published record. ``size`` is known from the number of the enabling in C."""

    record: Record
    size: int


@dataclass(frozen=True)
class Text:
    """Any other word of a record."""

    record: Record


Word = None | int | Header | Text
"""What a word of the ring holds; a number is the size of a record that is not published yet (RING_OVERWRITES)."""


@dataclass(frozen=True)
class Design:
    """What is modelled: a buffer policy, who may interrupt whom, the sizes of the records that each producer makes.

    A ``flaw`` is something done wrong on purpose, to see that it would be noticed.
    """

    policy: str
    sizes: tuple[tuple[int, ...], ...]
    nesting: bool = True
    flaw: str = ""

    @property
    def attempts(self) -> int:
        return sum(map(len, self.sizes))

    @property
    def after_exchange(self) -> list[str]:
        """What follows when the exchange has given a producer its room."""
        writing = ["publish", "write"] if self.flaw == "published too early" else ["write", "publish"]
        return ["size", *writing, "close"] if self.policy == "ring" else writing


@dataclass(frozen=True)
class Producer:
    """Where a producer is, and what it has in its registers."""

    step: str = "load"
    number: int = 0
    """Of the record that it is at."""
    tries: int = 0
    head: tuple[int, int] = (0, 0)
    place: int = 0
    rivals: int = 0
    """Not in C, for a check: how often others have changed the head since it began to reserve."""

    @property
    def idle(self) -> bool:
        return self.step == "load" and self.tries == 0


@dataclass(frozen=True)
class Reservation:
    """Not in C, for the checks: a record that has its room."""

    record: Record
    begin: int
    size: int


@dataclass(frozen=True)
class State:
    """The memory of a ring, and everyone at work on it."""

    producers: tuple[Producer, ...]
    head: tuple[int, int] = (0, 0)
    dropped: int = 0
    base: int = 0
    tail: int = 0
    data: tuple[Word, ...] = (None,) * (RING + 1)
    consumer: tuple[str, int, int] = ("look", 0, 0)
    """Its next step, and the place and size of the record that it is at."""
    reserved: tuple[Reservation, ...] = ()
    """In order of positions."""
    published: frozenset[Record] = frozenset()
    read: tuple[Header, ...] = ()
    wrong: str = ""
    """What a step has found to be wrong."""

    def storing(self, place: int, *words: Word, **changes: Any) -> State:
        """After a store to the ring's data."""
        return replace(self, data=self.data[:place] + words + self.data[place + len(words) :], **changes)

    @property
    def disturbed(self) -> State:
        """After a change of the head, which whoever is about to exchange it will find out."""
        producers = (replace(each, rivals=each.rivals + bool(each.tries)) for each in self.producers)
        return replace(self, producers=tuple(producers))

    def open(self, reservation: Reservation) -> bool:
        """Whether the producer is still at that record."""
        producer, number = reservation.record
        return self.producers[producer].number == number


def start(design: Design) -> State:
    """Before anything has happened."""
    return State(tuple(Producer() for _ in design.sizes))


def moves(design: Design, state: State) -> Iterator[tuple[str, State]]:
    """Every step that can be the next one: what it is called, and what is then."""
    running = False
    for number, producer in enumerate(state.producers):
        if producer.number < len(design.sizes[number]):
            running = True
            if not design.nesting or all(each.idle for each in state.producers[number + 1 :]):
                yield f"{number} {producer.step}", _produce(design, state, number)
    if design.policy == "switch" or (design.policy == "fill" and not running):
        step = state.consumer[0]
        if step != "look" or (state.tail < state.head[0] and state.data[state.tail % RING] is not None):
            yield f"consumer {step}", _consume(design, state)


def _produce(design: Design, state: State, number: int) -> State:
    """One step of ring_reserve(), of writing the record, or of ring_publish()."""
    producer = state.producers[number]
    record, size = (number, producer.number), design.sizes[number][producer.number]

    def at(step: str, after: State = state, **changes: Any) -> State:
        """Go on with this step."""
        mine = replace(after.producers[number], step=step, **changes)
        return replace(after, producers=(*after.producers[:number], mine, *after.producers[number + 1 :]))

    def finished(after: State) -> State:
        mine = Producer(number=producer.number + 1)
        return replace(after, producers=(*after.producers[:number], mine, *after.producers[number + 1 :]))

    def dropped(wrong: str = "") -> State:
        return finished(replace(state, dropped=state.dropped + 1, wrong=wrong))

    def stored(after: State) -> State:
        """Go on with what comes after this step."""
        steps = design.after_exchange
        following = steps[steps.index(producer.step) + 1 :]
        return at(following[0], after) if following else finished(after)

    begin, open_ = producer.head
    match producer.step:
        case "load" if producer.tries == TRIES:
            return dropped("" if producer.rivals >= TRIES else f"{record} gave up too early")
        case "load":
            return at("room", head=state.head, tries=producer.tries + 1)
        case "room" if design.policy == "ring":
            if not open_:
                return at("exchange", state if design.flaw == "no note" else replace(state, base=begin))
            if begin + size - state.base > RING and design.flaw != "no base":
                oldest = (
                    min(each.begin for each in state.reserved if state.open(each)) if design.nesting else state.base
                )
                return dropped("" if begin + size - oldest > RING else f"{record} was dropped although there is room")
            return at("exchange")
        case "room":
            if design.policy == "fill" and state.dropped and not state.tail:
                return dropped()
            used = begin + size - state.tail
            if used > RING or (design.flaw == "unsigned" and used < 0):
                full = state.head[0] + size - state.tail > RING
                return dropped("" if full else f"{record} was dropped although there is room")
            return at("exchange")
        case "exchange" if state.head != producer.head and design.flaw != "no exchange":
            return at("load")
        case "exchange":
            after = replace(state.disturbed, reserved=(*state.reserved, Reservation(record, begin, size)))
            if design.policy == "ring":
                after = replace(after, head=(begin + size, open_ + 1))
                return at("size", after, place=-(begin + size) % RING)
            return at(design.after_exchange[0], replace(after, head=(begin + size, 0)), place=begin % RING)
        case "size":
            return stored(state.storing(producer.place, size))
        case "write":
            return stored(state.storing(producer.place + 1, *[Text(record)] * (size - 1)))
        case "publish":
            return stored(state.storing(producer.place, Header(record, size), published=state.published | {record}))
        case "close":
            return stored(replace(state.disturbed, head=(state.head[0], state.head[1] - 1)))
    raise AssertionError(producer.step)


def _consume(design: Design, state: State) -> State:
    """One step of the consumer: look at a record, zero it, move the tail."""
    step, place, size = state.consumer
    tail_first = design.flaw == "tail before zeroes"
    match step:
        case "look":
            place = state.tail % RING
            header = state.data[place]
            if not isinstance(header, Header):
                return replace(state, wrong=f"{header} is no header")
            wrong = "" if intact(state, place) else f"{header.record} is torn"
            consumer = ("move" if tail_first else "zero", place, header.size)
            return replace(state, read=(*state.read, header), consumer=consumer, wrong=wrong)
        case "zero":
            zeroed = state if design.flaw == "no zeroes" else state.storing(place, *[None] * size)
            return replace(zeroed, consumer=("look" if tail_first else "move", place, size))
        case "move":
            consumer = ("zero" if tail_first else "look", place, size)
            return replace(state, tail=state.tail + size, consumer=consumer)
    raise AssertionError(step)


def intact(state: State, place: int) -> bool:
    """Whether a published record is there, and every word of it."""
    header = state.data[place]
    return isinstance(header, Header) and all(
        word == Text(header.record) for word in state.data[place + 1 : place + header.size]
    )
