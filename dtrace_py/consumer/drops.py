"""Lost data, said as it happens: counts are deltas since the last report (U56 to U63)."""

from __future__ import annotations

from collections.abc import Callable

from dtrace_py.consumer.faults import drop_message
from dtrace_py.output.users import Users
from dtrace_py.runtime.counts import Frames
from dtrace_py.runtime.ring import Rings


class Drops:
    """Remembers what was reported. ``tagged`` is option droptags."""

    def __init__(
        self,
        rings: Rings,
        frames: Frames,
        tagged: Callable[[], bool],
        complain: Callable[[str], object],
        users: Users,
    ) -> None:
        self._rings = rings
        self._frames = frames
        self._tagged = tagged
        self._complain = complain
        self._users = users
        self._reported: dict[tuple[str, int | None], int] = {}

    def report(self) -> None:
        """Say what was lost since the last time."""
        for cpu in range(self._rings.cpus):
            counts = self._frames.total([cpu])
            if not self._rings.read_at_end:  # what fill and ring lose is their purpose (X22)
                self._say("PRINCIPAL", self._rings.dropped(cpu), cpu)
            self._say("AGGREGATION", counts.aggregation_drops, cpu)
        counts = self._frames.total()
        self._say("DYNAMIC", counts.dynamic_drops, None)
        self._say("SPEC", counts.speculative_drops, None)
        self._say("SPECBUSY", counts.speculations_busy, None)
        self._say("SPECUNAVAIL", counts.speculations_unavailable, None)
        self._say("STKSTROVERFLOW", self._users.overflows, None)
        self._say("DBLERROR", counts.error_faults, None)

    def _say(self, kind: str, count: int, cpu: int | None) -> None:
        new = count - self._reported.get((kind, cpu), 0)
        if new:
            self._reported[kind, cpu] = count
            self._complain(drop_message(kind, new, cpu, self._tagged()))
