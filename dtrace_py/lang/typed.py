"""Typed expressions: what the checks make of a syntax tree, and with statements (acts.py) all that the generator knows of D.

Every expression carries its D type. Integers live in 64-bit registers (C1); conversions that lose bits are explicit.
"""

from __future__ import annotations

from dtrace_py.lang.definitions import Translator
from dtrace_py.lang.program import Variable
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.subroutines import Subroutine
from dtrace_py.lang.tables.variables import Builtin
from dtrace_py.lang.types import Type
from dtrace_py.record import changed, record, values


@record
class Typed:
    type: Type
    span: Span


@record
class Const(Typed):
    value: int


@record
class Text(Typed):
    """A string constant."""

    value: str


@record
class Read(Typed):
    """The value of a built-in variable."""

    builtin: Builtin


@record
class Value(Typed):
    """The value of a D variable; ``keys`` are the index expressions of an associative array, converted to its types."""

    variable: Variable
    keys: tuple[Expr, ...] = ()


@record
class Load(Typed):
    """What kernel memory holds at an address, as ``type``; ``bits`` is (shift, width) of a bit-field in it."""

    address: Expr
    bits: tuple[int, int] | None = None


@record
class Unary(Typed):
    """``-`` or ``~``."""

    op: str
    operand: Expr


@record
class Arithmetic(Typed):
    """``+ - * / % & | ^ << >>`` on 64-bit integers; signed or unsigned by its type."""

    op: str
    left: Expr
    right: Expr


@record
class Compare(Typed):
    """``< <= > >= == !=`` of integers or pointers; ``signed`` says how (C5)."""

    op: str
    left: Expr
    right: Expr
    signed: bool


@record
class CompareStrings(Typed):
    """The same of two strings (S4)."""

    op: str
    left: Expr
    right: Expr


@record
class Not(Typed):
    operand: Expr


@record
class Logical(Typed):
    """``&& ||`` (short-circuit) and ``^^``."""

    op: str
    left: Expr
    right: Expr


@record
class Conditional(Typed):
    condition: Expr
    yes: Expr
    no: Expr


@record
class Comma(Typed):
    left: Expr
    right: Expr


@record
class Convert(Typed):
    """The operand cut or extended to an integer or pointer type."""

    operand: Expr


@record
class StringAt(Typed):
    """The string at a kernel address, at most ``limit`` bytes of memory (a char array's size; 0: strsize)."""

    address: Expr
    limit: int = 0


@record
class Assign(Typed):
    """``target = value``: the value is already of the target's type."""

    target: Value
    value: Expr


@record
class Update(Typed):
    """``target op= value`` and the steps: the keys are evaluated once. ``postfix`` yields the old value."""

    op: str
    target: Value
    value: Expr
    postfix: bool = False


@record
class Call(Typed):
    """A call of a subroutine; the arguments are of its parameters' types."""

    subroutine: Subroutine
    arguments: tuple[Expr, ...]


@record
class Argument(Typed):
    """``args[index]``, before translation."""

    index: int


@record
class Element(Typed):
    """``uregs[index]``; or what ``fds[index]`` is translated from, the file of that number or 0."""

    builtin: Builtin
    index: Expr


@record
class SymbolAddress(Typed):
    """The address of a symbol of the kernel, ``module`symbol`` or ```symbol``, or of a process, with two backquotes; its value is
    a Load of it."""

    name: str
    size: int
    """Bytes of what is there."""
    address: int
    per_cpu: bool
    """Whether it is an offset from where each CPU has its own."""


@record
class Translated(Typed):
    """What a translator makes, or the address of that: its members are read, never this (D8)."""

    translator: Translator
    operand: Expr
    pointer: bool


@record
class Member:
    """A member of a structure that is made: where it goes, as what, and its value; ``bits`` as in Load."""

    offset: int
    type: Type
    bits: tuple[int, int] | None
    value: Expr


@record
class Built(Typed):
    """A translated structure as a whole; what its translator does not mention is zero (T12)."""

    members: tuple[Member, ...]


@record
class Part(Typed):
    """A member or element of a structure or array that is a D value, ``offset`` bytes from its start; ``bits`` as in Load."""

    base: Expr
    offset: Expr
    bits: tuple[int, int] | None = None


@record
class Within(Typed):
    """An index of such an array, which has ``count`` elements: there is a fault if it is not one of them (F11)."""

    index: Expr
    count: int


@record
class Characters(Typed):
    """The characters of a string in memory, for ``s[i]`` and ``s + 1`` (S7)."""

    string: Expr


@record
class Store(Typed):
    """A write into memory of the clause's own (V11) or into a part of a variable. ``op`` and ``postfix`` as in Update."""

    target: Load | Part
    op: str | None
    """None for a plain assignment."""
    value: Expr
    postfix: bool = False


Expr = (
    Const
    | Text
    | Read
    | Value
    | Load
    | Unary
    | Arithmetic
    | Compare
    | CompareStrings
    | Not
    | Logical
    | Conditional
    | Comma
    | Convert
    | StringAt
    | Assign
    | Update
    | Call
    | Argument
    | Element
    | SymbolAddress
    | Translated
    | Built
    | Part
    | Within
    | Characters
    | Store
)


def moved(node: Expr, place: Span, kept: tuple[Expr, ...]) -> Expr:
    """A copy that is in another place, but for the parts that are kept."""
    if any(node is each for each in kept):
        return node
    parts: dict[str, object] = {"span": place}
    for name, part in zip(node.__match_args__, values(node), strict=True):
        if isinstance(part, Typed):
            parts[name] = moved(part, place, kept)  # type: ignore[arg-type]
        elif isinstance(part, tuple) and name in ("keys", "arguments"):
            parts[name] = tuple(moved(each, place, kept) for each in part)
        elif isinstance(part, tuple) and name == "members":
            parts[name] = tuple(changed(each, value=moved(each.value, place, kept)) for each in part)
    return changed(node, **parts)
