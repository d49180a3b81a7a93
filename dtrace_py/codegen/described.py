"""Types as print() shows their values (contract A2, U30): plain data, all of it there, for whoever reads the records."""

from __future__ import annotations

from dtrace_py.lang.facts import TypeSource
from dtrace_py.lang.types import (
    ArrayType,
    EnumType,
    FloatType,
    FunctionType,
    IntType,
    PointerType,
    StringType,
    StructType,
    Type,
    size_of,
)
from dtrace_py.record import record


@record
class Described:
    """A type: its name, what kind of thing it is, and its bytes."""

    name: str
    kind: str
    """char, int, enum, float, pointer, function, string, array or struct."""
    size: int
    signed: bool = False
    values: tuple[tuple[str, int], ...] = ()
    """Of an enumeration."""
    count: int = 0
    """Of an array."""
    parts: tuple[Part, ...] = ()
    """The members of a structure, or of an array what its elements are."""


@record
class Part:
    """A member: its name, its offset in bits, its width in bits if it is a bit-field, else 0."""

    name: str
    at: int
    width: int
    type: Described


def described(kind: Type, types: TypeSource, strsize: int) -> Described:
    """A type and all that it is made of."""
    name, size = str(kind), size_of(kind, types, strsize) or 0
    match kind:
        case EnumType(values=values, signed=signed):
            return Described(name, "enum", size, signed, values)
        case IntType(base="char" | "signed char"):
            return Described(name, "char", size, kind.signed)
        case IntType(signed=signed):
            return Described(name, "int", size, signed)
        case FloatType():
            return Described(name, "float", size)
        case StringType():
            return Described(name, "string", size)
        case PointerType(target=FunctionType()):
            return Described(name, "function", size)
        case ArrayType(element=element, count=count):
            part = Part("", 0, 0, described(element, types, strsize))
            return Described(name, "array", size, count=count, parts=(part,))
        case StructType():
            members = types.members(kind)
            parts = (
                Part(member, field.bit_offset, field.bit_size or 0, described(field.type, types, strsize))
                for member, field in members
            )
            # A structure without a name shows as its keyword, and as if something followed that.
            return Described(
                f"{kind.name} " if kind.anonymous and not kind.alias else name, "struct", size, parts=tuple(parts)
            )
    return Described(name, "pointer", size)
