"""The control word block of bpf/firing.h: the gate, and the wall clock."""

from __future__ import annotations

import time

from dtrace_py.kernel.bpf import MappedArray

_OPEN, _WALL_OFFSET, _ENDED, _PANIC = 0, 1, 2, 3


class Control:
    """What the consumer says to all programs at once."""

    def __init__(self, control: MappedArray) -> None:
        self._words = control.words
        self.set_clock()

    @property
    def open(self) -> bool:
        """Whether tracing goes on. exit() shuts the gate from inside."""
        return bool(self._words[_OPEN])

    @property
    def ended(self) -> bool:
        """Whether a program has ended tracing, BEGIN perhaps: by exit(), or because a ring is full under bufpolicy=fill."""
        return bool(self._words[_ENDED])

    @property
    def panic(self) -> bool:
        """Whether panic() was called."""
        return bool(self._words[_PANIC])

    def end(self) -> None:
        """End tracing as exit() does."""
        self._words[_ENDED] = 1
        self.shut_gate()

    def open_gate(self) -> None:
        """Every probe is live from this store on."""
        self._words[_OPEN] = 1

    def shut_gate(self) -> None:
        """Every probe is inert from this store on, but for programs that are past the gate already."""
        self._words[_OPEN] = 0

    def set_clock(self) -> None:
        """Tell programs how far the wall clock is ahead of the clock they can read."""
        wall, monotonic = time.time_ns(), time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self._words[_WALL_OFFSET] = (wall - monotonic) & (1 << 64) - 1
