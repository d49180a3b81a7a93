"""D's aggregating functions (contract 8.2)."""

from __future__ import annotations

from dtrace_py.record import record


@record
class Aggregating:
    """An aggregating function: its arguments, and whether its value is shown as a distribution."""

    name: str
    least: int
    most: int
    distribution: bool = False
    signed: bool = True
    """Whether the value prints signed (count and stddev do not)."""
    built: bool = True


AGGREGATING = {
    row.name: row
    for row in (
        Aggregating("avg", 1, 1),
        Aggregating("count", 0, 0, signed=False),
        Aggregating("llquantize", 5, 6, distribution=True, built=False),
        Aggregating("lquantize", 3, 5, distribution=True),
        Aggregating("max", 1, 1),
        Aggregating("min", 1, 1),
        Aggregating("quantize", 1, 2, distribution=True),
        Aggregating("stddev", 1, 1, signed=False),
        Aggregating("sum", 1, 1),
    )
}
