"""Aggregations in print: their values, their order, their lines (contract 8.3 to 8.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import isqrt
from typing import NamedTuple

from dtrace_py.codegen.layout import AggregationLayout, KeyField
from dtrace_py.lang.formats import Conversion, Format
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.output import distribution, memory, packed, printf, values
from dtrace_py.output.distribution import divided
from dtrace_py.output.look import PLAIN, Look
from dtrace_py.record import record

_MASK = (1 << 64) - 1
_PACKED_TEXT = 16
_MAX = (1 << 63) - 1


class Value(NamedTuple):
    """A value as the kernel keeps it, and the divisor it is shown with (A28)."""

    words: Sequence[int]
    normal: int = 1


class Entry(NamedTuple):
    """A key of an aggregation and its value."""

    key: tuple[object, ...]
    value: Value


Row = tuple[tuple[object, ...], Sequence[Value]]
"""A key and its value in each of several aggregations."""


@record
class Order:
    """The aggsort* options (G60 to G65)."""

    by_key: bool = False
    reverse: bool = False
    key_position: int = 0
    position: int = 0


@dataclass(frozen=True)
class Table:
    """An aggregation ready to print. What is the same for all of its entries, of which there may be thousands, is found once."""

    layout: AggregationLayout
    lookup: values.Lookup
    stack_indent: int
    look: Look = PLAIN

    @property
    def function(self) -> str:
        return self.layout.aggregation.function

    # Values

    @cached_property
    def number(self) -> Callable[[Value], int]:
        """The value of a scalar function, with the divisor applied (G10 to G14)."""
        return _sum if self.function in ("count", "sum") else self._other

    def _other(self, value: Value) -> int:
        words, normal = value
        match self.function:
            case "min":
                return divided(_MAX - words[0], normal)
            case "max":
                return divided(words[0] - _MAX - 1, normal)
        mean = divided(divided(values.as_signed(words[1], 8), normal), words[0]) if words[0] else 0
        if self.function == "avg" or not words[0]:
            return mean
        squares = words[3] << 64 | words[2]
        return isqrt(max(squares // abs(normal) // abs(normal) // words[0] - mean * mean, 0))

    @property
    def zero(self) -> Value:
        """A value that shows as 0, where a key has no value (G72)."""
        return Value({"min": [_MAX], "max": [_MAX + 1]}.get(self.function, [0] * self.layout.words))

    @cached_property
    def is_distribution(self) -> bool:
        return AGGREGATING[self.function].distribution

    def text(self, value: Value) -> str:
        """The value behind its keys, without the newline (G35, G36)."""
        if self.is_distribution:
            return self._distribution(value)
        return f" {self.number(value):>16}"

    def _distribution(self, value: Value) -> str:
        bins = [values.as_signed(word, 8) for word in value.words]
        linear, loglinear = self.layout.aggregation.linear, self.layout.aggregation.loglinear
        if loglinear:
            return distribution.table(bins, distribution.loglinear_labels(loglinear), value.normal, (0, 1), self.look)
        if linear is None:
            return distribution.table(bins, distribution.quantize_labels(), value.normal, (62, 64), self.look)
        labels = distribution.linear_labels(linear)
        return distribution.table(bins, labels, value.normal, (0, min(2, len(labels) - 1)), self.look)

    def rank(self, value: Value) -> tuple[int, int]:
        """What entries are ordered by (G61)."""
        if not self.is_distribution:
            return self.number(value), 0
        bins = [values.as_signed(word, 8) for word in value.words]
        linear, loglinear = self.layout.aggregation.linear, self.layout.aggregation.loglinear
        if loglinear:
            edges = distribution.loglinear_edges(loglinear)
            return sum(edge * count for edge, count in zip([edges[0] - 1, *edges], bins, strict=True)), 0
        if linear is None:
            return sum(distribution.quantize_value(n) * count for n, count in enumerate(bins)), bins[63]
        top = linear.base + linear.levels * linear.step
        edges = [linear.base - 1, *range(linear.base, top, linear.step), top + 1]
        zero = edges.index(0) if 0 in edges else None
        return sum(edge * count for edge, count in zip(edges, bins, strict=True)), 0 if zero is None else bins[zero]

    # Keys

    @cached_property
    def keys(self) -> Callable[[Sequence[object]], str]:
        """All keys of an entry (G31 to G34)."""
        if [field.kind for field in self.layout.keys] == ["text"]:
            return _text_key
        return lambda key: "".join(map(self._key, self.layout.keys, key))

    def _key(self, field: KeyField, key: object) -> str:
        text = self._text(key)
        if text is not None:
            return f"  {text:<50}"
        if isinstance(key, bytes):
            return memory.dump(key)
        if field.kind in ("stack", "ustack"):
            assert isinstance(key, tuple)
            return values.stack(key, field.kind, self.stack_indent, self.lookup)
        if field.kind == "int":
            assert isinstance(key, int)
            return values.key_number(key, field.bytes)
        assert isinstance(key, int | tuple)
        return f"  {values.symbol(key, field.kind, self.lookup):<50}"

    def _text(self, key: object) -> str | None:
        """A key that is a string, or memory that looks like text (G32)."""
        if isinstance(key, bytes):
            return None if self.look.raw else memory.text(key)
        return key if isinstance(key, str) else None

    def packed_keys(self, entries: Sequence[Entry]) -> tuple[list[str], int]:
        """The keys of entries where each has one line, and how wide that makes them; texts are less wide there (G49)."""

        def one(field: KeyField, part: object) -> str:
            text = self._text(part)
            return self._key(field, part) if text is None else f" {text:>{_PACKED_TEXT}}"

        fields = self.layout.keys
        width = sum(1 + (values.key_width(field.bytes) if field.kind == "int" else _PACKED_TEXT) for field in fields)
        return ["".join(map(one, fields, entry.key)) for entry in entries], width

    def key_ranks(self, order: Order) -> Callable[[Sequence[object]], Sequence[object]]:
        """What keys are compared by, from the position that the options name on (G62, G65)."""
        fields = self.layout.keys
        start = order.key_position if order.key_position < len(fields) else 0
        if start == 0 and all(field.kind != "int" for field in fields):
            return tuple

        def rank(key: Sequence[object]) -> Sequence[object]:
            ranks: list[object] = []
            for field, part in zip(fields, key, strict=True):
                if field.kind == "int" and isinstance(part, int):
                    ranks.append(part & (1 << field.bytes * 8) - 1)
                else:
                    ranks.append(part)
            return ranks[start:] + ranks[:start]

        return rank

    def arguments(self, key: Sequence[object]) -> Iterator[printf.Argument]:
        """The keys as arguments of a format."""
        for field, part in zip(self.layout.keys, key, strict=True):
            assert isinstance(part, int | str | bytes | tuple)
            symbol = "" if field.kind in ("int", "text", "memory") else field.kind
            yield printf.Argument(part, field.bytes, field.signed and not symbol, symbol)


def _sum(value: Value) -> int:
    words, normal = value
    number = values.as_signed(words[0], 8)
    return number if normal == 1 else divided(number, normal)


def _text_key(key: Sequence[object]) -> str:
    return f"  {key[0]!s:<50}"


def ordered(table: Table, entries: Sequence[Entry], order: Order) -> list[Entry]:
    """The entries of one aggregation in the order of printing (G60 to G65)."""
    key_rank = table.key_ranks(order)
    value_rank: Callable[[Value], object] = table.rank if table.is_distribution else table.number

    def rank(entry: Entry) -> tuple[object, ...]:
        key, value = entry
        return (key_rank(key), value_rank(value)) if order.by_key else (value_rank(value), key_rank(key))

    return sorted(entries, key=rank, reverse=order.reverse)


def lines(table: Table, entries: Sequence[Entry], order: Order) -> str:
    """Every entry on a line of its own, unformatted (G30); as options agghist and aggpack want it (G49, G51)."""
    if entries and table.look.hist and table.function in ("count", "sum", "avg", "stddev"):
        return _histogram(table, ordered(table, entries, order))
    if entries and table.look.pack and table.function in ("quantize", "lquantize"):
        return _packed(table, ordered(table, entries, order))
    keys, text = table.keys, table.text
    return "".join([f"{keys(key)}{text(value)}\n" for key, value in ordered(table, entries, order)])


def _histogram(table: Table, entries: Sequence[Entry]) -> str:
    counts = [table.number(Value(value.words)) for _, value in entries]
    shown = [table.number(value) for _, value in entries]
    return packed.histogram(*table.packed_keys(entries), counts, shown, table.look)


def _packed(table: Table, entries: Sequence[Entry]) -> str:
    every = [[values.as_signed(word, 8) for word in value.words] for _, value in entries]
    keys, width = table.packed_keys(entries)
    if table.layout.aggregation.linear:
        return packed.linear(
            keys, width, every, distribution.linear_labels(table.layout.aggregation.linear), table.look
        )
    return packed.quantized(keys, width, every, table.look)


def formatted(fmt: Format, table: Table, entries: Sequence[Entry], order: Order) -> str:
    """Every entry through a format (G71)."""
    return "".join(
        printf.render(fmt, table.arguments(entry.key), table.lookup, _values([table], [entry.value]))
        for entry in ordered(table, entries, order)
    )


def joint(tables: Sequence[Table], rows: Sequence[Row], fmt: Format | None, order: Order) -> str:
    """Several aggregations side by side: a line for each key that any of them has (G72, G73)."""
    first = order.position if order.position < len(tables) else 0
    turn = [*range(first, len(tables)), *range(first)]

    key_rank = tables[0].key_ranks(order)

    def rank(row: Row) -> tuple[object, ...]:
        by_value = tuple(tables[n].rank(row[1][n]) for n in turn)
        by_key = key_rank(row[0])
        return (by_key, by_value) if order.by_key else (by_value, by_key)

    pieces = []
    for key, given in sorted(rows, key=rank, reverse=order.reverse):
        if fmt is None:
            shown = "".join(table.text(value) for table, value in zip(tables, given, strict=True))
            pieces.append(f"{tables[0].keys(key)}{shown}\n")
        else:
            pieces.append(printf.render(fmt, tables[0].arguments(key), tables[0].lookup, _values(tables, given)))
    return "".join(pieces)


def _values(tables: Sequence[Table], given: Sequence[Value]) -> printf.OfValue:
    """Renders the %@ conversions of one entry: the n-th takes the n-th aggregation, surplus ones the last (G72)."""
    taken = iter(range(len(tables)))

    def value(conversion: Conversion, arguments: Iterator[printf.Argument]) -> str:
        place = next(taken, len(tables) - 1)
        table, stars = tables[place], [*islice(arguments, conversion.stars)]
        if table.is_distribution:
            return table.text(given[place])
        number = table.number(given[place])
        signed = table.function != "count"
        argument = printf.Argument(number if signed else number & _MASK, 8, signed)
        return printf.convert(conversion, iter([*stars, argument]), table.lookup)

    return value
