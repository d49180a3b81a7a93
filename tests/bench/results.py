"""What was measured, read back: rows by what they have in common, and their medians."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

Row = dict[str, Any]


def load(folder: Path, what: str) -> list[dict[str, Any]]:
    """The files of all parts of one sort, kernels and CPUs in order."""
    files = [json.loads(path.read_text()) for path in folder.glob(f"{what}-*.json")]
    return sorted(files, key=lambda each: (each["part"]["kernel"], each["online"]))


def groups(rows: Sequence[Row], *names: str) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    """The rows that agree in the values of these names, in the order in which they first come."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    yield from found.items()


def middle(rows: Sequence[Row], *path: str) -> float:
    """The median of what is found under these names, one within the other."""
    values = []
    for row in rows:
        value: Any = row
        for name in path:
            value = value[name]
        values.append(float(value))
    return median(values)
