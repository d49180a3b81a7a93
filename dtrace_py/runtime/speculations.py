"""The speculations of a running program, seen from outside: which wait to be freed, and freeing them."""

from __future__ import annotations

from collections.abc import Iterator

from dtrace_py.kernel.bpf import MappedArray

_FREE, _COMMITTED, _DISCARDED = 0, 5, 6
"""States of bpf/speculation.h."""

_USE = ~((1 << 32) - 1)


class Speculations:
    """The speculations map: a word each, ``use << 32 | cpu << 8 | state``."""

    def __init__(self, mapped: MappedArray) -> None:
        self._words = mapped.words

    def waiting(self) -> Iterator[tuple[int, bool]]:
        """Those that several CPUs took part in and that are over: ``use << 32 | id``, and whether it was committed."""
        for place, word in enumerate(self._words):
            if word & 0xFF in (_COMMITTED, _DISCARDED):
                yield word & _USE | (place + 1), word & 0xFF == _COMMITTED

    def free(self, speculation: int) -> None:
        """From here on the id can be used again. Nobody else changes the word of one that waits."""
        self._words[(speculation & ~_USE) - 1] = speculation & _USE | _FREE
