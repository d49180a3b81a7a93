"""D's aggregating functions (contract 8.2)."""

from __future__ import annotations

from dtrace_py.record import record


@record
class Aggregating:
    """An aggregating function: its arguments, and whether its value is shown as a distribution."""

    name: str
    row: str
    """Of the contract."""
    least: int
    most: int
    distribution: bool = False
    signed: bool = True
    """Whether the value prints signed (count and stddev do not)."""
    version: str = "1.0"

    @property
    def increment(self) -> int | None:
        """The argument, counted from 0, that is added instead of 1 (G15 to G17)."""
        return self.most - 1 if self.distribution else None


AGGREGATING = {
    row.name: row
    for row in (
        Aggregating("avg", "G12", 1, 1),
        Aggregating("count", "G10", 0, 0, signed=False),
        Aggregating("llquantize", "G17", 5, 6, distribution=True, version="1.7"),
        Aggregating("lquantize", "G16", 3, 5, distribution=True),
        Aggregating("max", "G13", 1, 1),
        Aggregating("min", "G13", 1, 1),
        Aggregating("quantize", "G15", 1, 2, distribution=True),
        Aggregating("stddev", "G14", 1, 1, signed=False, version="1.6"),
        Aggregating("sum", "G11", 1, 1),
    )
}
