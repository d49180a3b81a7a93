"""An aggregation's keys and values as they are shown (contract 8.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import NamedTuple

from dtrace_py.codegen.layout import AggregationLayout, KeyField
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.output import distribution, memory, printf, values
from dtrace_py.output.distribution import divided
from dtrace_py.output.look import PLAIN, Look

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
