"""What must hold of the ring in every state that the model can get into."""

from __future__ import annotations

from tests.ring.model import RING, Design, Header, Record, State, intact, moves, start


class Violation(AssertionError):
    """Something does not hold; the text says what, and after which steps."""


def explore(design: Design) -> int:
    """Try every order of steps. Returns how many states there are; raises Violation."""
    first = start(design)
    before: dict[State, tuple[State, str]] = {}
    left = [first]
    states = {first}
    while left:
        state = left.pop()
        last = True
        for step, after in moves(design, state):
            last = False
            if after not in states:
                states.add(after)
                before[after] = state, step
                left.append(after)
        if wrong := _wrong(design, state, last):
            steps = []
            while state != first:
                state, step = before[state]
                steps.append(step)
            raise Violation(f"{wrong}, after: {', '.join(reversed(steps))}")
    return len(states)


def _wrong(design: Design, state: State, last: bool) -> str:
    """What does not hold in this state, if anything. ``last`` says that everything has come to rest."""
    if state.wrong:
        return state.wrong
    if design.policy == "ring":
        if wrong := _wrong_in_dump(state):
            return wrong
    elif [each.record for each in state.read] != [each.record for each in state.reserved[: len(state.read)]]:
        return f"{state.read[-1].record} was read out of order, or again"
    if last:
        if len(state.published) + state.dropped != design.attempts or len(state.published) != len(state.reserved):
            return f"{design.attempts} records: {len(state.published)} were published, {state.dropped} dropped"
        if design.policy != "ring" and len(state.read) != len(state.published):
            return f"{len(state.published)} records were published, {len(state.read)} read"
        if design.policy == "ring" and state.head[1]:
            return f"{state.head[1]} records are not closed"
    return ""


def _wrong_in_dump(state: State) -> str:
    """Whether runtime/flight.py would find all there is now, or at least all that is older than the open records."""
    position, open_ = state.head
    lowest = max(0, position - RING)
    expected = [each for each in state.reserved if each.begin >= lowest]
    places, whole = _walk(state, position, lowest)
    if open_ and not whole:
        places, _ = _walk(state, state.base, lowest)
        expected = [each for each in expected if each.begin < state.base]
        if any(each.begin < state.base and state.open(each) for each in state.reserved):
            return "base is behind a record that is open"
    found: list[Record] = []
    for place in places:
        header = state.data[place]
        if not isinstance(header, Header) or not intact(state, place):
            return f"{header} is torn"
        found.append(header.record)
    if found != [each.record for each in expected if each.record in state.published]:
        return f"{found} is what is found of {expected}"
    return ""


def _walk(state: State, position: int, lowest: int) -> tuple[list[int], bool]:
    """From a position back: the places of published records, the oldest first, and whether all open ones were passed."""
    places: list[int] = []
    unfinished, passed_base = 0, position == state.base
    while position > lowest:
        word = state.data[-position % RING]
        if isinstance(word, Header):
            size = word.size
        elif isinstance(word, int):
            size = word
            unfinished += 1
        else:
            break
        if size > position - lowest:
            break
        if isinstance(word, Header):
            places.append(-position % RING)
        position -= size
        passed_base = passed_base or position == state.base
    return places[::-1], passed_base and unfinished == state.head[1]
