"""Rounds, and progress on standard error, since results go to files and tables to standard output."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator


def say(text: str) -> None:
    """One line."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def rounds(count: int, seconds: float) -> Iterator[int]:
    """The numbers of the rounds: as many as asked for, but none that would probably not end within so many seconds."""
    began = time.monotonic()
    for number in range(count):
        spent = time.monotonic() - began
        if number and spent + spent / number > seconds:
            say(f"no time for more than {number} of {count} rounds")
            return
        yield number
