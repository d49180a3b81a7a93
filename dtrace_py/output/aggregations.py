"""Aggregations in print: their values, their order, their lines (contract 8.3 to 8.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isqrt

from dtrace_py.codegen.layout import AggregationLayout, KeyField
from dtrace_py.lang.formats import Conversion, Format
from dtrace_py.output import distribution, printf, values
from dtrace_py.output.distribution import divided

_MASK = (1 << 64) - 1
_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of an aggregation and its value, as the kernel keeps it."""

    key: tuple[object, ...]
    words: Sequence[int]


@dataclass(frozen=True, slots=True)
class Order:
    """The aggsort* options (G60 to G65)."""

    by_key: bool = False
    reverse: bool = False
    key_position: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """An aggregation ready to print: its layout, its divisor."""

    layout: AggregationLayout
    normal: int
    lookup: values.Lookup
    stack_indent: int

    @property
    def function(self) -> str:
        return self.layout.aggregation.function

    # Values

    def number(self, words: Sequence[int]) -> int:
        """The value of a scalar function, with the divisor applied (G10 to G14)."""
        match self.function:
            case "count" | "sum":
                return divided(values.as_signed(words[0], 8), self.normal)
            case "min":
                return divided(_MAX - words[0], self.normal)
            case "max":
                return divided(words[0] - _MAX - 1, self.normal)
            case "avg":
                total = divided(values.as_signed(words[1], 8), self.normal)
                return divided(total, words[0]) if words[0] else 0
        return self._deviation(words)

    @property
    def zero(self) -> Sequence[int]:
        """The words of a value that shows as 0, where a key has no value (G72)."""
        return {"min": [_MAX], "max": [_MAX + 1]}.get(self.function, [0] * self.layout.words)

    def _deviation(self, words: Sequence[int]) -> int:
        count, squares = words[0], words[3] << 64 | words[2]
        if not count:
            return 0
        mean = divided(divided(values.as_signed(words[1], 8), self.normal), count)
        return isqrt(max(squares // self.normal // self.normal // count - mean * mean, 0))

    @property
    def is_distribution(self) -> bool:
        return self.function in ("quantize", "lquantize")

    def value(self, words: Sequence[int]) -> str:
        """The value behind its keys, without the newline (G35, G36)."""
        if self.is_distribution:
            return self._distribution(words)
        return f" {self.number(words):>16}"

    def _distribution(self, words: Sequence[int]) -> str:
        bins = [values.as_signed(word, 8) for word in words]
        linear = self.layout.aggregation.linear
        if linear is None:
            return distribution.table(bins, distribution.quantize_labels(), self.normal, (62, 64))
        labels = distribution.linear_labels(linear)
        return distribution.table(bins, labels, self.normal, (0, min(2, len(labels) - 1)))

    def rank(self, words: Sequence[int]) -> tuple[int, int]:
        """What entries are ordered by (G61)."""
        if not self.is_distribution:
            return self.number(words), 0
        bins = [values.as_signed(word, 8) for word in words]
        linear = self.layout.aggregation.linear
        if linear is None:
            return sum(distribution.quantize_value(n) * count for n, count in enumerate(bins)), bins[63]
        top = linear.base + linear.levels * linear.step
        edges = [linear.base - 1, *range(linear.base, top, linear.step), top + 1]
        zero = edges.index(0) if 0 in edges else None
        return sum(edge * count for edge, count in zip(edges, bins, strict=True)), 0 if zero is None else bins[zero]

    # Keys

    def keys(self, key: Sequence[object]) -> str:
        """All keys of an entry (G31 to G34)."""
        return "".join(map(self._key, self.layout.keys, key))

    def _key(self, field: KeyField, key: object) -> str:
        if field.kind == "text":
            return f"  {key!s:<50}"
        if field.kind == "stack":
            assert isinstance(key, tuple)
            return values.stack(key, self.stack_indent, self.lookup)
        assert isinstance(key, int)
        if field.kind == "int":
            return values.key_number(key, field.bytes)
        return f"  {values.symbol(key, field.kind, self.lookup):<50}"

    def key_rank(self, key: Sequence[object], order: Order) -> tuple[object, ...]:
        """What keys are compared by, from the position that the options name on (G62, G65)."""
        ranks: list[object] = []
        for field, part in zip(self.layout.keys, key, strict=True):
            if field.kind == "int" and isinstance(part, int):
                ranks.append(part & (1 << field.bytes * 8) - 1)
            else:
                ranks.append(part)
        start = order.key_position if order.key_position < len(ranks) else 0
        return tuple(ranks[start:] + ranks[:start])

    def arguments(self, key: Sequence[object]) -> Iterator[printf.Argument]:
        """The keys as arguments of a format."""
        for field, part in zip(self.layout.keys, key, strict=True):
            assert isinstance(part, int | str | tuple)
            symbol = field.kind if field.kind in ("sym", "func", "mod") else ""
            yield printf.Argument(part, field.bytes, field.signed and not symbol, symbol)


def ordered(table: Table, entries: Sequence[Entry], order: Order) -> list[Entry]:
    """The entries of one aggregation in the order of printing (G60 to G65)."""

    def rank(entry: Entry) -> tuple[object, ...]:
        value, key = table.rank(entry.words), table.key_rank(entry.key, order)
        return (key, value) if order.by_key else (value, key)

    return sorted(entries, key=rank, reverse=order.reverse)


def lines(table: Table, entries: Sequence[Entry], order: Order) -> str:
    """Every entry on a line of its own, unformatted (G30)."""
    return "".join(f"{table.keys(entry.key)}{table.value(entry.words)}\n" for entry in ordered(table, entries, order))


def formatted(fmt: Format, table: Table, entries: Sequence[Entry], order: Order) -> str:
    """Every entry through a format (G71)."""
    return "".join(
        printf.render(fmt, table.arguments(entry.key), table.lookup, _values([table], [entry.words]))
        for entry in ordered(table, entries, order)
    )


def joint(tables: Sequence[Table], rows: Sequence[tuple[tuple[object, ...], list[Sequence[int]]]],
          fmt: Format | None, order: Order) -> str:  # fmt: skip
    """Several aggregations side by side: a line for each key that any of them has (G72, G73)."""
    first = order.position if order.position < len(tables) else 0
    turn = [*range(first, len(tables)), *range(first)]

    def rank(row: tuple[tuple[object, ...], list[Sequence[int]]]) -> tuple[object, ...]:
        by_value = tuple(tables[n].rank(row[1][n]) for n in turn)
        by_key = tables[0].key_rank(row[0], order)
        return (by_key, by_value) if order.by_key else (by_value, by_key)

    pieces = []
    for key, words in sorted(rows, key=rank, reverse=order.reverse):
        if fmt is None:
            shown = "".join(table.value(value) for table, value in zip(tables, words, strict=True))
            pieces.append(f"{tables[0].keys(key)}{shown}\n")
        else:
            pieces.append(printf.render(fmt, tables[0].arguments(key), tables[0].lookup, _values(tables, words)))
    return "".join(pieces)


def _values(tables: Sequence[Table], words: Sequence[Sequence[int]]) -> printf.OfValue:
    """Renders the %@ conversions of one entry: the n-th takes the n-th aggregation, surplus ones the last (G72)."""
    taken = iter(range(len(tables)))

    def value(conversion: Conversion, arguments: Iterator[printf.Argument]) -> str:
        place = next(taken, len(tables) - 1)
        table, stars = tables[place], [*islice(arguments, conversion.stars)]
        if table.is_distribution:
            return table.value(words[place])
        number = table.number(words[place])
        signed = table.function != "count"
        argument = printf.Argument(number if signed else number & _MASK, 8, signed)
        return printf.convert(conversion, iter([*stars, argument]), table.lookup)

    return value
