"""What a run measured: the line of -x teardownreport, and the JSON of --report."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from dtrace_py.errors import DtpyError, counted
from dtrace_py.kernel.cpus import cross_calls
from dtrace_py.runtime.counts import Counts


@dataclass(slots=True)
class Cost:
    """What something took: seconds, and function call interrupts that CPUs sent each other meanwhile."""

    seconds: float = 0.0
    xcalls: int = 0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure what happens inside; several times add up."""
        calls, began = cross_calls(), time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - began
            self.xcalls += cross_calls() - calls


@dataclass(slots=True)
class Report:
    """The figures of one run."""

    kernel: str
    cpus: int
    probes: int = 0
    functions: int = 0
    links: int = 0
    mechanism: str = "none"
    attach: Cost = field(default_factory=Cost)
    detach: Cost = field(default_factory=Cost)
    stopped_at: float | None = None
    """When Ctrl-C, or exit(), was noticed: CLOCK_MONOTONIC in seconds. The following are seconds since then."""
    inert_seconds: float | None = None
    """Until every probe was inert."""
    results_seconds: float | None = None
    """Until everything was printed."""
    prompt_seconds: float | None = None
    """Until the command ended."""
    restored_seconds: float | None = None
    """Until the kernel's text was as before."""
    records: dict[str, Any] = field(default_factory=dict)

    def since_stop(self) -> float:
        """Seconds since tracing ended."""
        return time.monotonic() - (self.stopped_at or 0)

    def teardown(self) -> str:
        """One line about letting go."""
        each = self.detach.xcalls / self.probes if self.probes else 0.0
        return (
            f"detached {counted(self.probes, 'probe')} ({counted(self.links, 'link')}) in {self.detach.seconds:.2f} s, "
            f"{self.detach.xcalls} xcalls ({each:.3f} per probe)"
        )


@contextmanager
def written(report: Report, path: str | None) -> Iterator[None]:
    """Write the figures as JSON at the end of the block. Raises DtpyError, if it must then before the block begins."""
    if path is None:
        yield
        return
    with _told(path):
        file = open(path, "w")  # noqa: SIM115 - closed below
    with file:
        yield
        if report.prompt_seconds is None and report.stopped_at is not None:
            report.prompt_seconds = report.since_stop()
        with _told(path):
            file.write(json.dumps(asdict(report), indent=2) + "\n")
            file.flush()


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DtpyError(f"failed to write report '{path}': {error.strerror}") from error


def accounting(counts: Counts, consumed: int, committed: int) -> dict[str, int]:
    """Where every firing went.

    ``fired`` counts enablings: one clause at one probe. It is counted where programs begin, and is the sum of recorded,
    dropped, filtered (by predicate, or by the gate, also the one that exit() shuts), faulted and silent (nothing to
    record). Everything recorded has been consumed when tracing ends; ``speculated`` is a part of it, of which what has
    been ``committed`` was printed.
    """
    return {
        "fired": counts.gated + counts.enablings,
        "recorded": counts.recorded,
        "consumed": consumed,
        "dropped": counts.dropped,
        "filtered": counts.filtered + counts.gated + counts.stopped,
        "faulted": counts.faulted,
        "silent": counts.silent,
        "runs": counts.runs,
        "gated": counts.gated,
        "speculated": counts.speculated,
        "committed": committed,
    }
