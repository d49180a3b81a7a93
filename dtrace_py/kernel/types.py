"""The kernel's types and symbols as the compiler asks for them: BTF of the core kernel and its modules, and kallsyms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path

from dtrace_py.errors import DtpyError
from dtrace_py.kernel import btf
from dtrace_py.kernel.btf import Btf, Record
from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.requirements import ANOTHER_KERNEL, BTF
from dtrace_py.lang.facts import Field, Prototype, Symbol, found_member
from dtrace_py.lang.types import (
    UINT64,
    VOID,
    ArrayType,
    EnumType,
    FloatType,
    FunctionType,
    IntType,
    PointerType,
    StructType,
    Type,
    named,
    size_of,
)
from dtrace_py.providers.fbt import VMLINUX

_SOU = (btf.STRUCT, btf.UNION)
_TAGGED = {"struct": (btf.STRUCT,), "union": (btf.UNION,), "enum": (btf.ENUM, btf.ENUM64)}
_MANY = 50
_PER_CPU = ".data..percpu"


class KernelTypes:
    """A TypeSource. Nothing is read before it is asked for, and modules only when the core kernel does not know."""

    def __init__(self, symbols: Callable[[], Symbols], path: Path = Path(BTF)) -> None:
        self._symbols = symbols
        self._path = path
        self._blobs: dict[str, Btf | None] = {}
        self._prototypes = 0

    @cached_property
    def _core(self) -> Btf:
        try:
            return Btf(self._path.read_bytes())
        except OSError as error:
            raise DtpyError(
                f"this kernel was built without BTF (CONFIG_DEBUG_INFO_BTF), its own types: {ANOTHER_KERNEL}"
            ) from error

    def _blob(self, module: str) -> Btf | None:
        if module in ("", VMLINUX):
            return self._core
        if module not in self._blobs:
            try:
                self._blobs[module] = Btf((self._path.parent / module).read_bytes(), self._core)
            except (OSError, ValueError):
                self._blobs[module] = None
        return self._blobs[module]

    def _where(self, module: str) -> Iterator[tuple[str, Btf]]:
        """The blobs to look in: a module's and what it stands on, or all there are."""
        if module not in ("", VMLINUX) and (blob := self._blob(module)):
            yield module, blob
        if module == "" or self._blob(module):
            yield VMLINUX, self._core
        if module == "":
            for path in sorted(self._path.parent.iterdir()):
                if path.name != VMLINUX and (blob := self._blob(path.name)):
                    yield path.name, blob

    @cached_property
    def described(self) -> bool:
        """Whether the kernel has BTF. A word that may be anything is then no type; that a structure is wanted is an error."""
        return self._path.exists()

    @cache  # noqa: B019 - there is one of these, as long as the process; every word of a program may be a type
    def _find(self, name: str, kinds: tuple[int, ...], module: str) -> tuple[str, Record] | None:
        for place, blob in self._where(module):
            if record := blob.find(name, kinds):
                return place, record
        return None

    # TypeSource

    def typedef(self, name: str, module: str = "") -> Type | None:
        found = self._find(name, (btf.TYPEDEF,), module) if self.described else None
        return self._type(found[0], found[1].id) if found else None

    def tagged(self, name: str, module: str = "") -> Type | None:
        keyword, _, tag = name.partition(" ")
        found = self._find(tag, _TAGGED[keyword], module)
        return self._type(found[0], found[1].id) if found else None

    def enumerator(self, name: str) -> tuple[int, EnumType] | None:
        for module, blob in self._where("") if self.described else ():
            if record := blob.enumerator(name):
                kind = self._type(module, record.id)
                assert isinstance(kind, EnumType)
                return dict(kind.values)[name], kind
        return None

    def size(self, kind: StructType) -> int | None:
        found = self._structure(kind)
        return found[1].size if found else None

    def member(self, kind: StructType, name: str) -> Field | None:
        return found_member(self, kind, name)

    @cache  # noqa: B019 - there is one of these, as long as the process
    def members(self, kind: StructType) -> tuple[tuple[str, Field], ...]:
        found = self._structure(kind)
        if not found:
            return ()
        module, record = found
        blob = self._blob(module)
        assert blob
        return tuple(
            (name, Field(self._type(module, number), bits, width or None))
            for name, number, bits, width in blob.members(record)
        )

    def prototype(self, function: str, module: str = "") -> Prototype | None:
        found = self._function(function, module) if self.described else None
        if not found:
            return None
        place, record = found
        blob = self._blob(place)
        assert blob
        signature = blob.record(record.size)
        parameters = tuple((name, self._type(place, kind)) for name, kind in blob.parameters(signature) if kind)
        return Prototype(self._type(place, signature.size), parameters)

    def _function(self, name: str, module: str) -> tuple[str, Record] | None:
        """A function; all of them are taken together once it shows that many are wanted."""
        self._prototypes += 1
        if self._prototypes < _MANY:
            return self._find(name, (btf.FUNC,), module)
        for place, blob in self._where(module):
            if name in blob.functions:
                return place, blob.record(blob.functions[name])
        return None

    def symbol(self, name: str, module: str = "") -> Symbol | None:
        symbols = self._symbols()
        found = symbols.named(name, module)
        if not found:
            return None
        address, letter, place = found
        if letter in "tTwW":
            length = symbols.length(address, name, place) if address else 0
            return Symbol(name, place, address, FunctionType(), length)
        if self.described and (known := self._find(name, (btf.VAR,), place)):
            kind = self._type(known[0], known[1].size)
            blob = self._blob(known[0])
            per_cpu = blob is not None and known[1].id in blob.section(_PER_CPU)
            return Symbol(name, place, address, kind, size_of(kind, self, 0) or 0, per_cpu)
        return Symbol(name, place, address, UINT64, 8)

    # For the rest of the kernel room

    def offset(self, struct: str, member: str) -> int:
        """The offset in bytes of a member; KeyError if there is none."""
        field = self.member(StructType(struct), member)
        if field is None:
            raise KeyError(f"{struct}.{member}")
        return field.bit_offset // 8

    def bytes_of(self, struct: str) -> int:
        """The size in bytes of a structure; KeyError if there is none."""
        size = self.size(StructType(struct))
        if size is None:
            raise KeyError(struct)
        return size

    # From records to types

    def _structure(self, kind: StructType) -> tuple[str, Record] | None:
        """Where a structure is defined: it may only be declared where it was met (T13)."""
        module, _, number = kind.where.partition("#")
        if number and (blob := self._blob(module)) and (record := blob.record(int(number))).kind in _SOU:
            return module, record
        if kind.anonymous:
            return None
        keyword, _, tag = kind.name.partition(" ")
        return self._find(tag, _TAGGED[keyword], "")

    @cache  # noqa: B019 - there is one of these, as long as the process
    def _type(self, module: str, number: int) -> Type:
        """The D type of a type's number in a module's BTF."""
        if number == 0:
            return VOID
        blob = self._blob(module)
        assert blob
        record = blob.record(number)
        if record.kind in btf.TRANSPARENT:
            return self._type(module, record.size)
        match record.kind:
            case btf.TYPEDEF:
                return named(self._type(module, record.size), record.name)
            case btf.INT:
                signed = blob.signed(record) or record.name == "char"  # T2; BTF does not say
                return IntType(_spelled(record.name), record.size, signed)
            case btf.FLOAT:
                return FloatType(record.name, record.size)
            case btf.ENUM | btf.ENUM64:
                values = tuple(blob.enumerators(record))
                # D3: enumerators are ints, unless one of them is none.
                signed = record.flag or all(value < 1 << (record.size * 8 - 1) for _, value in values)
                return EnumType(f"enum {record.name}".rstrip(), record.size, signed, (), values)
            case btf.PTR:
                return PointerType(self._type(module, record.size))
            case btf.ARRAY:
                element, count = blob.array(record)
                return ArrayType(self._type(module, element), count)
            case btf.STRUCT | btf.UNION:
                keyword = "union" if record.kind == btf.UNION else "struct"
                place = VMLINUX if blob.owner(number) is self._core else module
                return StructType(f"{keyword} {record.name}".rstrip(), f"{place}#{number}")
            case btf.FWD:
                return StructType(f"{'union' if record.flag else 'struct'} {record.name}")
        return FunctionType()


_WORDS = {
    "long unsigned int": "unsigned long",
    "long long unsigned int": "unsigned long long",
    "long int": "long",
    "long long int": "long long",
    "short unsigned int": "unsigned short",
    "short int": "short",
}
"""gcc's names of C's types that D spells otherwise."""


def _spelled(name: str) -> str:
    return _WORDS.get(name, name)
