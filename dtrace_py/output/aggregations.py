"""Aggregations in print: their order and their lines (contract 8.4, 8.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

from dtrace_py.lang.formats import Conversion, Format
from dtrace_py.output import distribution, packed, printf, values
from dtrace_py.output.table import Entry, Table, Value
from dtrace_py.record import record

_MASK = (1 << 64) - 1

Row = tuple[tuple[object, ...], Sequence[Value]]
"""A key and its value in each of several aggregations."""


@record
class Order:
    """The aggsort* options (G60 to G65)."""

    by_key: bool = False
    reverse: bool = False
    key_position: int = 0
    position: int = 0


def ordered(table: Table, entries: Sequence[Entry], order: Order) -> list[Entry]:
    """The entries of one aggregation in the order of printing (G60 to G65)."""
    key_rank = _key_ranks(table, order)
    value_rank = partial(_rank, table)

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

    key_rank = _key_ranks(tables[0], order)

    def rank(row: Row) -> tuple[object, ...]:
        by_value = tuple(_rank(tables[n], row[1][n]) for n in turn)
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


# Order


def _rank(table: Table, value: Value) -> tuple[int, int]:
    """What entries are ordered by (G61): the data, whatever they are divided by in print (A28)."""
    if not table.is_distribution:
        return table.number(Value(value.words)), 0
    bins = [values.as_signed(word, 8) for word in value.words]
    linear, loglinear = table.layout.aggregation.linear, table.layout.aggregation.loglinear
    if loglinear:
        edges = distribution.loglinear_edges(loglinear)
        return sum(edge * count for edge, count in zip([edges[0] - 1, *edges], bins, strict=True)), 0
    if linear is None:
        return sum(distribution.quantize_value(n) * count for n, count in enumerate(bins)), bins[63]
    top = linear.base + linear.levels * linear.step
    edges = [linear.base - 1, *range(linear.base, top, linear.step), top + 1]
    zero = edges.index(0) if 0 in edges else None
    return sum(edge * count for edge, count in zip(edges, bins, strict=True)), 0 if zero is None else bins[zero]


def _key_ranks(table: Table, order: Order) -> Callable[[Sequence[object]], Sequence[object]]:
    """What keys are compared by, from the position that the options name on (G62, G65)."""
    fields = table.layout.keys
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
