"""What must be true of the counters of every run."""

from __future__ import annotations

from typing import Any

OUTCOMES = ("recorded", "dropped", "filtered", "faulted", "silent")


def check(report: dict[str, Any]) -> None:
    """Every firing had exactly one outcome, on every CPU; everything recorded was consumed; what is committed was speculated."""
    records = report["records"]
    for counts in (records, *records["per_cpu"]):
        assert counts["fired"] == sum(counts[outcome] for outcome in OUTCOMES), counts
        assert counts["consumed"] == counts["recorded"], counts
        assert counts["committed"] <= counts["speculated"] <= counts["recorded"], counts
    for name in ("fired", "consumed", "speculated", "committed", *OUTCOMES):
        assert records[name] == sum(counts[name] for counts in records["per_cpu"]), name
