"""The counters of bpf/firing.h: what became of every firing, per CPU and program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from dtrace_py.kernel.bpf import MappedArray


@dataclass(slots=True)
class Counts:
    """struct counts, in its order. Sums of it are counts again."""

    runs: int = 0
    gated: int = 0
    early: int = 0
    enablings: int = 0
    stopped: int = 0
    filtered: int = 0
    recorded: int = 0
    silent: int = 0
    dropped: int = 0
    faulted: int = 0
    error_faults: int = 0
    dynamic_drops: int = 0
    aggregation_drops: int = 0
    speculated: int = 0
    speculative_drops: int = 0
    speculations_busy: int = 0
    speculations_unavailable: int = 0

    def add(self, other: Counts) -> None:
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_NAMES = [field.name for field in fields(Counts)]


class Frames:
    """The frames map: element ``cpu * programs + program`` belongs to one program on one CPU."""

    def __init__(self, frames: MappedArray, programs: int) -> None:
        self._frames = frames
        self.programs = programs
        self.cpus = frames.entries // programs
        self.parts: list[Frames] = []
        """Those of units that were loaded later: their programs count too."""

    def of(self, cpu: int, program: int) -> Counts:
        """The counts of one program on one CPU."""
        start = (cpu * self.programs + program) * self._frames.stride // 8
        return Counts(*self._frames.words[start : start + len(_NAMES)])

    def total(self, cpus: Iterable[int] | None = None) -> Counts:
        """The sum over all programs, and over these CPUs or all."""
        sum_ = Counts()
        for cpu in range(self.cpus) if cpus is None else cpus:
            for part in (self, *self.parts):
                for program in range(part.programs):
                    sum_.add(part.of(cpu, program))
        return sum_
