"""D's types (contract section 3). Sizes are bytes on LP64; kernel structures come from a TypeSource when they are named."""

from __future__ import annotations

from typing import Protocol

from dtrace_py.record import record


@record
class VoidType:
    def __str__(self) -> str:
        return "void"


@record
class IntType:
    """An integer, enumerations and _Bool included. ``name`` is as written and takes no part in comparison of values."""

    name: str
    size: int
    signed: bool

    def __str__(self) -> str:
        return self.name


@record
class StringType:
    """``string``: a value of up to strsize bytes (3.2)."""

    def __str__(self) -> str:
        return "string"


@record
class PointerType:
    """A kernel address of something."""

    target: Type

    def __str__(self) -> str:
        return f"{self.target}*" if isinstance(self.target, PointerType) else f"{self.target} *"


@record
class ArrayType:
    """A C array inside kernel memory."""

    element: Type
    count: int

    def __str__(self) -> str:
        return f"{self.element} [{self.count}]"


@record
class StructType:
    """A kernel struct or union, known by name; its members are looked up when they are used."""

    name: str
    """With its keyword: ``struct task_struct``."""

    def __str__(self) -> str:
        return self.name


@record
class FunctionType:
    """What a function pointer points to (T15: they are all one type)."""

    def __str__(self) -> str:
        return "function"


@record
class DynamicType:
    """``<DYN>``: an aggregation or another thing that is no value (T12)."""

    def __str__(self) -> str:
        return "<DYN>"


@record
class StackType:
    """The result of stack(): recordable, but not storable (T12)."""

    def __str__(self) -> str:
        return "stack"


@record
class SymbolType:
    """The result of sym(), func() or mod(), which ``what`` tells apart; recordable, but not storable (T12)."""

    what: str

    def __str__(self) -> str:
        return "_symaddr"


Type = (
    VoidType
    | IntType
    | StringType
    | PointerType
    | ArrayType
    | StructType
    | FunctionType
    | DynamicType
    | StackType
    | SymbolType
)


@record
class Field:
    """A member of a struct: its type, its offset in bits, and for a bit-field its width in bits."""

    type: Type
    bit_offset: int
    bit_size: int | None = None


class TypeSource(Protocol):
    """Where kernel types come from; BTF in real life."""

    def typedef(self, name: str) -> Type | None:
        """The type that a kernel typedef name stands for."""

    def has_struct(self, name: str) -> bool:
        """Whether there is such a struct or union (with its keyword)."""

    def size(self, struct: str) -> int:
        """Its size in bytes."""

    def member(self, struct: str, member: str) -> Field | None:
        """A member of it, members of anonymous members included."""


class NoTypes:
    """A TypeSource for a kernel that describes no types."""

    def typedef(self, name: str) -> Type | None:
        return None

    def has_struct(self, name: str) -> bool:
        return False

    def size(self, struct: str) -> int:
        raise KeyError(struct)

    def member(self, struct: str, member: str) -> Field | None:
        return None


def _integers(size: int, signed: bool, names: str) -> dict[str, Type]:
    return {name.strip(): IntType(name.strip(), size, signed) for name in names.split(",")}


INTRINSICS: dict[str, Type] = {
    "void": VoidType(),
    "string": StringType(),
    **_integers(1, True, "char, signed char, int8_t"),
    **_integers(1, False, "unsigned char, uint8_t, uchar_t, _Bool"),
    **_integers(2, True, "short, int16_t"),
    **_integers(2, False, "unsigned short, uint16_t, ushort_t"),
    **_integers(4, True, "int, int32_t, id_t, pid_t, processorid_t, chipid_t, lgrp_id_t, psetid_t"),
    **_integers(4, False, "unsigned int, uint32_t, uint_t, uid_t, gid_t, dev_t"),
    **_integers(8, True, "long, long long, int64_t, intptr_t, ssize_t, ptrdiff_t, longlong_t, time_t"),
    **_integers(8, False, "unsigned long, unsigned long long, uint64_t, uintptr_t, size_t, ulong_t, u_longlong_t"),
}
"""The types that exist without a kernel (3.1). Floating types are missing on purpose: nothing can use them yet."""

CHAR, INT, LONG = IntType("char", 1, True), IntType("int", 4, True), IntType("long", 8, True)
INT64, UINT64, UINT32 = IntType("int64_t", 8, True), IntType("uint64_t", 8, False), IntType("uint32_t", 4, False)
UINTPTR, SIZE = IntType("uintptr_t", 8, False), IntType("size_t", 8, False)
STRING, VOID = StringType(), VoidType()

_BASE = {"char": "char", "short": "short", "int": "int", "long": "long", "": "int"}


def specified(words: tuple[str, ...]) -> str | None:
    """The canonical name of a C integer type from its words in any order (``long unsigned int``), or None."""
    rest = sorted(w for w in words if w not in ("signed", "unsigned", "int"))
    if words.count("int") > 1 or words.count("signed") + words.count("unsigned") > 1:
        return None
    if rest == ["long", "long"]:
        base = "long long"
    elif len(rest) > 1 or (base := _BASE.get(rest[0] if rest else "", "?")) == "?":
        return None
    if base == "char" and "int" in words:
        return None
    if "unsigned" in words:
        return f"unsigned {base}"
    return "signed char" if base == "char" and "signed" in words else base


def is_scalar(kind: Type) -> bool:
    """Integers (enumerations among them) and pointers."""
    return isinstance(kind, IntType | PointerType)


def is_string_like(kind: Type) -> bool:
    """What S4 calls string-compatible: ``string``, ``char *`` and ``char[]``."""
    match kind:
        case StringType():
            return True
        case PointerType(target=IntType(size=1)) | ArrayType(element=IntType(size=1)):
            return True
    return False


def usual(left: IntType, right: IntType) -> IntType:
    """The type of an arithmetic result: greater width wins, unsigned wins at equal width, no promotion to int (C2)."""
    if left.size != right.size:
        return left if left.size > right.size else right
    return left if not left.signed or right.signed else right


def size_of(kind: Type, source: TypeSource, strsize: int) -> int | None:
    """Bytes that a value of the type takes; None for void, functions and dynamic things."""
    match kind:
        case IntType(size=size):
            return size
        case StringType():
            return strsize
        case PointerType():
            return 8
        case ArrayType(element=element, count=count):
            each = size_of(element, source, strsize)
            return None if each is None else each * count
        case StructType(name=name):
            return source.size(name) if source.has_struct(name) else None
    return None


def compatible(left: Type, right: Type) -> bool:
    """Argument compatibility (C8), but for the constant 0, which only the caller can see."""
    if isinstance(left, IntType) and isinstance(right, IntType):
        return True
    if is_string_like(left) and is_string_like(right):
        return True
    if isinstance(left, PointerType) and isinstance(right, PointerType | ArrayType):
        target = right.target if isinstance(right, PointerType) else right.element
        void = isinstance(left.target, VoidType) or isinstance(target, VoidType)
        return void or same(left.target, target)
    return same(left, right)


def same(left: Type, right: Type) -> bool:
    """Whether two types are one but for the names of integers."""
    match left, right:
        case IntType(), IntType():
            return (left.size, left.signed) == (right.size, right.signed)
        case PointerType(), PointerType():
            return same(left.target, right.target)
    return left == right
