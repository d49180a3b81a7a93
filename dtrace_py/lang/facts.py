"""What the compiler asks of the kernel: its types and its symbols (contract T13, L55 to L60)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from dtrace_py.lang.types import EnumType, StructType, Type


class Field(NamedTuple):
    """A member of a struct: its type, its offset in bits, and for a bit-field its width in bits."""

    type: Type
    bit_offset: int
    bit_size: int | None = None


class Prototype(NamedTuple):
    """A function's type: what it returns, and name and type of its parameters."""

    result: Type
    parameters: tuple[tuple[str, Type], ...]


class Symbol(NamedTuple):
    """A kernel symbol. The address is 0 where the kernel hides it; the size of a function is its length."""

    name: str
    module: str
    address: int
    type: Type
    size: int
    per_cpu: bool = False
    """Whether each CPU has one of its own, for which the address is an offset."""


class ProcessSymbol(NamedTuple):
    """A symbol of a process, which nothing tells the type of."""

    object: str
    address: int
    size: int
    code: bool
    """Whether it is a function."""
    wide: bool
    """Whether its object is of 64 bits, as D programs are."""


class ProcessSymbols(Protocol):
    """The symbols of the process that -c or -p named first."""

    def symbol(self, name: str, object: str = "") -> ProcessSymbol | None:
        """A variable or function: of the object that is named, or else of the first that has it."""


class TypeSource(Protocol):
    """Kernel types by name: of the module that is named, or else of the core kernel and then of any module."""

    def typedef(self, name: str, module: str = "") -> Type | None:
        """The type that a typedef name stands for."""

    def tagged(self, name: str, module: str = "") -> Type | None:
        """The struct, union or enum of that name, which includes the keyword; None where it is only declared."""

    def enumerator(self, name: str) -> tuple[int, EnumType] | None:
        """The value and the enumeration of an enumeration constant."""

    def size(self, kind: StructType) -> int | None:
        """Bytes that it takes; None if it is incomplete."""

    def member(self, kind: StructType, name: str) -> Field | None:
        """A member of it, members of anonymous members included."""

    def members(self, kind: StructType) -> tuple[tuple[str, Field], ...]:
        """Its own members in order; anonymous ones have an empty name."""

    def prototype(self, function: str, module: str = "") -> Prototype | None:
        """What a function takes and returns."""

    def symbol(self, name: str, module: str = "") -> Symbol | None:
        """A variable or function."""


def found_member(types: TypeSource, kind: StructType, name: str) -> Field | None:
    """A member among those of a structure, or of its anonymous members: how a TypeSource finds one."""
    for own, field in types.members(kind):
        if own == name:
            return field
        if own == "" and isinstance(field.type, StructType) and (inner := types.member(field.type, name)):
            return inner._replace(bit_offset=field.bit_offset + inner.bit_offset)
    return None


class NoTypes:
    """A TypeSource for a kernel that describes nothing."""

    def typedef(self, name: str, module: str = "") -> Type | None:
        return None

    def tagged(self, name: str, module: str = "") -> Type | None:
        return None

    def enumerator(self, name: str) -> tuple[int, EnumType] | None:
        return None

    def size(self, kind: StructType) -> int | None:
        return None

    def member(self, kind: StructType, name: str) -> Field | None:
        return None

    def members(self, kind: StructType) -> tuple[tuple[str, Field], ...]:
        return ()

    def prototype(self, function: str, module: str = "") -> Prototype | None:
        return None

    def symbol(self, name: str, module: str = "") -> Symbol | None:
        return None
