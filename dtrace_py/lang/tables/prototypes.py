"""Prototypes of built-in functions, written as the contract writes them: ``string copyinstr(uintptr_t, [size_t])``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Prototype(NamedTuple):
    """A function's name, result and parameters as D types; one in brackets is optional, ``...`` is any number more."""

    name: str
    result: str
    parameters: tuple[str, ...]

    @property
    def least(self) -> int:
        """How many arguments it takes at least."""
        return sum(not parameter.startswith(("[", "...")) for parameter in self.parameters)

    @property
    def most(self) -> int | None:
        """How many it takes at most; None for any number."""
        return None if "..." in self.parameters else len(self.parameters)

    def __str__(self) -> str:
        star = "" if self.result.endswith("*") else " "
        return f"{self.result}{star}{self.name}({', '.join(self.parameters)})"


def prototypes(text: str) -> Iterator[tuple[str, str, Prototype]]:
    """The lines of a table: its first word, its second word, and the prototype behind them."""
    for line in text.strip().splitlines():
        first, second, rest = line.split(None, 2)
        head, _, inside = rest.rstrip(")").partition("(")
        result, star, name = head.rpartition("*" if "*" in head else " ")
        result = f"{result.rstrip()} *" if star == "*" else result
        yield first, second, Prototype(name, result, tuple(filter(None, inside.split(", "))))
