"""Attaching to everything but functions: raw tracepoints and timers. Each link is one descriptor; closing it lets go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from dtrace_py.kernel import bpf, perf
from dtrace_py.record import record

TICK_STEP = 10_000_000
"""Nanoseconds between the events of a tick whose interval is longer (bpf/timers.h says why)."""


@record
class Timer:
    """One profile or tick probe: the CPUs it fires on, its interval in nanoseconds, and the period of its events."""

    cpus: Sequence[int]
    interval: int
    tick: bool

    @property
    def period(self) -> int:
        steps = max(1, self.interval // TICK_STEP) if self.tick else 1
        return self.interval // steps

    @property
    def waits(self) -> bool:
        """Whether only the first event that comes when the timer is due is one to fire at."""
        return self.period != self.interval


@contextmanager
def raw_tracepoint(program: int, name: str) -> Iterator[None]:
    """A program attached to a raw tracepoint."""
    with bpf.owned(bpf.link_raw_tracepoint(program, name)):
        yield


@contextmanager
def timers(program: int, wanted: Sequence[Timer]) -> Iterator[list[int]]:
    """A program linked to the events of all timers, with the timer's number as its cookie; yields the events, disabled."""
    with ExitStack() as stack:
        events = []
        for number, timer in enumerate(wanted):
            for cpu in timer.cpus:
                events.append(stack.enter_context(bpf.owned(perf.timer(cpu, timer.period))))
                stack.enter_context(bpf.owned(bpf.link_event(program, events[-1], number)))
        yield events
