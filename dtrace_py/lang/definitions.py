"""What declarations give names to besides variables and types: inlines, translators, probes' arguments (contract 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dtrace_py.lang.source import Source
from dtrace_py.lang.types import StructType, Type

if TYPE_CHECKING:
    from dtrace_py.lang.grammar import ast


class Inline(NamedTuple):
    """``inline type name = value;``: the value is checked anew at each use (D6)."""

    name: str
    type: Type
    parameters: tuple[tuple[str, Type], ...] | None
    """Names and types of ``inline type name[T a, U b]``; None without brackets."""
    value: ast.Expr
    source: Source | None = None
    """The text that the value is in."""


class Translator(NamedTuple):
    """``translator output < input name > { member = value; ... };`` (D7)."""

    output: StructType
    input: Type
    name: str
    """What the values call the thing that is translated."""
    members: dict[str, ast.Expr]
    source: Source | None = None
    """The text that these are in."""


class ProbeArgument(NamedTuple):
    """What ``args[n]`` is at a probe: the native argument that it is made from, and what it is translated to (B2, V61)."""

    native: int
    """Which of the native arguments."""
    type: Type
    """Its own type."""
    translated: Type | None = None
    """The type after translation, where it is another one."""


class DeclaredProbe(NamedTuple):
    """``probe name(native) : (translated);`` (D9)."""

    name: str
    native: tuple[Type, ...]
    arguments: tuple[ProbeArgument, ...]
    """What args[] is."""


class DeclaredProvider(NamedTuple):
    """``provider name { ... };``: the probes by name, as published (P27)."""

    name: str
    probes: dict[str, DeclaredProbe]
