"""D's types (contract section 3). Sizes are bytes on LP64. Where a structure's members are is for a TypeSource to say.

A type that was reached by a typedef knows its name, for messages to show; the name takes no part in comparison by ``same``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.record import changed, record

if TYPE_CHECKING:
    from dtrace_py.lang.facts import TypeSource


@record
class VoidType:
    def __str__(self) -> str:
        return "void"


@record
class IntType:
    """An integer, enumerations and _Bool included. ``chain`` is what a typedef name stands for, one name after another:
    ``("__u64", "unsigned long long")`` for u64."""

    name: str
    size: int
    signed: bool
    chain: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The C type behind all typedefs."""
        return self.chain[-1] if self.chain else self.name

    def __str__(self) -> str:
        return self.name


@record
class EnumType(IntType):
    """An enumeration; ``values`` are its enumerators in order (D3)."""

    values: tuple[tuple[str, int], ...] = ()


@record
class FloatType:
    """float, double, long double and their complex kin: they can be declared and shown, and that is all (T5)."""

    name: str
    size: int
    chain: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


@record
class StringType:
    """``string``: a value of up to strsize bytes (3.2)."""

    def __str__(self) -> str:
        return "string"


@record
class PointerType:
    """An address: the kernel's, or with ``user`` that of a process (D10)."""

    target: Type
    user: bool = False
    alias: str = ""

    def __str__(self) -> str:
        return ("userland " if self.user else "") + spelled(self)


@record
class ArrayType:
    """A C array; of no known length if ``count`` is 0."""

    element: Type
    count: int
    alias: str = ""

    def __str__(self) -> str:
        return spelled(self)


@record
class StructType:
    """A struct or union. ``where`` leads its TypeSource to it; without, it goes by its name, and may yet be incomplete."""

    name: str
    """With its keyword: ``struct task_struct``, or only that: ``union``."""
    where: str = ""
    alias: str = ""

    @property
    def anonymous(self) -> bool:
        return " " not in self.name

    def __str__(self) -> str:
        return self.alias or (f"{self.name} {{...}}" if self.anonymous else self.name)


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
        return "_usymaddr" if self.what.startswith("u") else "_symaddr"


Type = (
    VoidType
    | IntType
    | FloatType
    | StringType
    | PointerType
    | ArrayType
    | StructType
    | FunctionType
    | DynamicType
    | StackType
    | SymbolType
)


CHAR, INT, LONG = IntType("char", 1, True), IntType("int", 4, True), IntType("long", 8, True)
UINT, ULONG = IntType("unsigned int", 4, False), IntType("unsigned long", 8, False)
INT64, UINT64 = IntType("int64_t", 8, True, ("long",)), IntType("uint64_t", 8, False, ("unsigned long",))
UINTPTR, SIZE = IntType("uintptr_t", 8, False, ("unsigned long",)), IntType("size_t", 8, False, ("unsigned long",))
STRING, VOID = StringType(), VoidType()


def spelled(kind: Type, declarator: str = "") -> str:
    """A type in C's notation, around what has been read of its declarator: ``char *[4]``, ``int (*)[5]``."""
    match kind:
        case PointerType(alias="", target=target):
            inner = f"*{declarator}"
            return spelled(target, f"({inner})" if isinstance(target, ArrayType) and not target.alias else inner)
        case ArrayType(alias="", element=element, count=count):
            return spelled(element, f"{declarator}[{count or ''}]")
        case PointerType(alias=name) | ArrayType(alias=name):
            pass
        case _:
            name = str(kind)
    return f"{name} {declarator}" if declarator else name


def named(kind: Type, name: str) -> Type:
    """The type that a typedef of that name gives to this one."""
    match kind:
        case IntType():
            return changed(kind, name=name, chain=(kind.name, *kind.chain))
        case FloatType():
            return changed(kind, name=name, chain=(kind.name, *kind.chain))
        case PointerType() | ArrayType() | StructType():
            return changed(kind, alias=name)
    return kind


def is_scalar(kind: Type) -> bool:
    """Integers (enumerations among them) and pointers."""
    return isinstance(kind, IntType | PointerType)


def is_string_like(kind: Type) -> bool:
    """What S4 calls string-compatible: ``string``, ``char *`` and ``char[]``; but no memory of a process (S5)."""
    match kind:
        case StringType():
            return True
        case PointerType(target=IntType(size=1), user=False) | ArrayType(element=IntType(size=1)):
            return True
    return False


def usual(left: IntType, right: IntType) -> IntType:
    """The type of an arithmetic result: greater width wins, unsigned wins at equal width, no promotion to int (C2)."""
    left, right = _counted(left), _counted(right)
    if left.size != right.size:
        return left if left.size > right.size else right
    return left if not left.signed or right.signed else right


def _counted(kind: IntType) -> IntType:
    """The plain integer that an enumeration counts as (C2)."""
    if not isinstance(kind, EnumType):
        return kind
    wide = kind.size == 8
    return (LONG if wide else INT) if kind.signed else (ULONG if wide else UINT)


def size_of(kind: Type, source: TypeSource, strsize: int) -> int | None:
    """Bytes that a value of the type takes; None for void, functions, dynamic things and what is incomplete."""
    match kind:
        case IntType(size=size) | FloatType(size=size):
            return size
        case StringType():
            return strsize
        case PointerType():
            return 8
        case ArrayType(element=element, count=count):
            each = size_of(element, source, strsize)
            return None if each is None else each * count
        case StructType():
            return source.size(kind)
    return None


def compatible(left: Type, right: Type) -> bool:
    """Argument compatibility (C8), but for the constant 0, which only the caller can see."""
    if isinstance(left, IntType) and isinstance(right, IntType):
        return True
    if is_string_like(left) and is_string_like(right):
        return True
    if isinstance(left, PointerType) and isinstance(right, PointerType | ArrayType):
        if left.user != (isinstance(right, PointerType) and right.user):
            return False
        target = right.target if isinstance(right, PointerType) else right.element
        void = isinstance(left.target, VoidType) or isinstance(target, VoidType)
        return void or same(left.target, target)
    return same(left, right)


def same(left: Type, right: Type) -> bool:
    """Whether two types are one but for the names of integers and typedefs."""
    match left, right:
        case EnumType(), EnumType():
            return left.base == right.base
        case IntType(), IntType():
            return (type(left), left.size, left.signed) == (type(right), right.size, right.signed)
        case FloatType(), FloatType():
            return left.size == right.size
        case PointerType(), PointerType():
            return left.user == right.user and same(left.target, right.target)
        case ArrayType(), ArrayType():
            return left.count == right.count and same(left.element, right.element)
        case StructType(), StructType():
            return left.name == right.name and (not left.anonymous or left.where == right.where)
    return left == right
