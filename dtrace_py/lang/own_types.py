"""The types of a program and of the libraries that it uses, in front of the kernel's (contract T13)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from dtrace_py.lang.facts import Field, Prototype, Symbol, TypeSource, found_member
from dtrace_py.lang.intrinsics import INTRINSICS
from dtrace_py.lang.layouts import Layout, align_of
from dtrace_py.lang.types import EnumType, StructType, Type

OWN = "D"
"""The module that ``where`` of a structure of ours begins with."""


class OwnTypes:
    """A TypeSource that looks here first: at the program's types, at C's own, at libraries', and last at the kernel's."""

    def __init__(self, kernel: Callable[[], TypeSource], library: Callable[[str], bool]) -> None:
        self._kernel = kernel
        self._library = library
        """Loads the library that defines a name, and says whether there was one to load."""
        self.typedefs: dict[str, Type] = {}
        self.tags: dict[str, StructType | EnumType] = {}
        """By name with keyword; structures among them may still lack a layout."""
        self.enumerators: dict[str, tuple[int, EnumType]] = {}
        self._layouts: dict[str, Layout] = {}
        self._begun = 0

    @cached_property
    def kernel(self) -> TypeSource:
        """Most programs never ask it, and need not read what it takes to answer."""
        return self._kernel()

    # What declarations add

    def declare(self, name: str) -> StructType:
        """A structure of that name (with its keyword) which may be defined later, here or in the kernel."""
        kind = StructType(name)
        self.tags.setdefault(name, kind)
        return kind

    def begin(self, keyword: str, tag: str | None) -> StructType:
        """A structure that is about to be laid out; its members may already point to it."""
        self._begun += 1
        name = keyword if tag is None else f"{keyword} {tag}"
        kind = StructType(name, f"{OWN}#{self._begun}")
        if tag is not None:
            self.tags[name] = kind
        return kind

    def complete(self, kind: StructType, layout: Layout) -> None:
        """What the structure is like, once its members are known."""
        self._layouts[kind.where] = layout

    def is_defined(self, name: str) -> bool:
        """Whether the program or a library defines a structure or enumeration of that name."""
        kind = self.tags.get(name)
        return kind is not None and not (isinstance(kind, StructType) and kind.where not in self._layouts)

    # TypeSource

    def typedef(self, name: str, module: str = "") -> Type | None:
        if module:
            return self.kernel.typedef(name, module)
        if (found := self.typedefs.get(name) or INTRINSICS.get(name)) is None and self._library(name):
            found = self.typedefs.get(name)
        return found or self.kernel.typedef(name)

    def tagged(self, name: str, module: str = "") -> Type | None:
        if module:
            return self.kernel.tagged(name, module)
        if (found := self.tags.get(name)) is None and self._library(name):
            found = self.tags.get(name)
        return found or self.kernel.tagged(name)

    def enumerator(self, name: str) -> tuple[int, EnumType] | None:
        return self.enumerators.get(name) or self.kernel.enumerator(name)

    def _own(self, kind: StructType) -> str:
        """The key of a structure of ours; it may be known by its name only."""
        if not kind.where and isinstance(own := self.tags.get(kind.name), StructType):
            kind = own
        return kind.where if kind.where.startswith(f"{OWN}#") else ""

    def size(self, kind: StructType) -> int | None:
        if own := self._own(kind):
            return self._layouts[own].size if own in self._layouts else None
        return self.kernel.size(kind)

    def align(self, kind: StructType) -> int:
        """The alignment of a structure in bytes; the kernel does not say, but it follows from the members."""
        if own := self._own(kind):
            return self._layouts[own].align if own in self._layouts else 1
        return max((align_of(field.type, self) for _, field in self.members(kind)), default=1)

    def members(self, kind: StructType) -> tuple[tuple[str, Field], ...]:
        if own := self._own(kind):
            return self._layouts[own].members if own in self._layouts else ()
        return self.kernel.members(kind)

    def member(self, kind: StructType, name: str) -> Field | None:
        if not self._own(kind):
            return self.kernel.member(kind, name)
        return found_member(self, kind, name)

    def prototype(self, function: str, module: str = "") -> Prototype | None:
        return self.kernel.prototype(function, module)

    def symbol(self, name: str, module: str = "") -> Symbol | None:
        return self.kernel.symbol(name, module)
