"""Rounds, and progress on standard error, since results go to files and tables to standard output."""

from __future__ import annotations

import sys
import time
from collections.abc import Hashable, Iterator, Sequence
from typing import TypeVar

Cell = TypeVar("Cell", bound=Hashable)


def say(text: str) -> None:
    """One line."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def turns(cells: Sequence[Cell], count: int, seconds: float) -> Iterator[tuple[int, Cell]]:
    """Rounds in which each cell has its turn, as (round, cell): the first whatever it takes, and of the others what fits.

    What the first round left of the time goes to the cells that take least, so that only the longest have fewer rounds.
    """
    costs: dict[Cell, float] = {}
    for cell in cells:
        began = time.monotonic()
        yield 0, cell
        costs[cell] = time.monotonic() - began
    left, more = seconds - sum(costs.values()), {}
    for cell in sorted(cells, key=costs.__getitem__):
        more[cell] = min(count - 1, max(0, int(left // costs[cell])))
        left -= more[cell] * costs[cell]
        if more[cell] < count - 1:
            say(f"no time for more than {more[cell] + 1} of {count} rounds of {cell}")
    for number in range(1, count):
        for cell in cells:
            if number <= more[cell]:
                yield number, cell
