"""The names of one compilation, in program order: variables, aggregations, types (contract 3.3, V7, V8, V12)."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TYPE_CHECKING

from dtrace_py.lang.definitions import DeclaredProvider, Inline, Translator
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.facts import ProcessSymbols, TypeSource
from dtrace_py.lang.intrinsics import unknown
from dtrace_py.lang.own_types import OwnTypes
from dtrace_py.lang.program import Program, Variable
from dtrace_py.lang.source import Source
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.stability import Stability
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import BUILTINS, CONSTANTS
from dtrace_py.lang.tables.versions import VERSION, encoded
from dtrace_py.lang.type_text import type_from
from dtrace_py.lang.types import EnumType, FunctionType, PointerType, StructType, Type, VoidType, same

if TYPE_CHECKING:
    from dtrace_py.lang.grammar import ast

Load = Callable[[str], bool]
"""Loads the library that defines a name; says whether there was one that had not been loaded."""


class Scope:
    """All that is known at a point of the program. It only grows."""

    def __init__(
        self, kernel: Callable[[], TypeSource], program: Program, library: Load, strsize: Callable[[], int]
    ) -> None:
        self.source = OwnTypes(kernel, library)
        self.variables: dict[tuple[str, str], Variable] = {}
        self.inlines: dict[str, Inline] = {}
        self.translators: dict[tuple[str, str], Translator] = {}
        """By output and input."""
        self.providers: dict[str, DeclaredProvider] = {}
        self.scratch: dict[tuple[str, str], bool] = {}
        """Whether a pointer variable holds addresses of the clause's own memory, by its first assignment."""
        self.spoiled: set[tuple[str, str]] = set()
        """Names that a wrong statement would have made: that they are missing is no error of its own."""
        self.aggregations = program.aggregations
        self.builtins = program.builtins
        self.attributes = program.attributes
        self.strsize = strsize
        """The length of strings, in bytes, as options have it now."""
        self.text: Source | None = None
        """The text that is being compiled."""
        self.least: Stability | None = None
        """The stability that every name must have."""
        self.process: ProcessSymbols | None = None
        """The symbols of the process that -c or -p named."""
        self.undefined: Container[str] = ()
        """Whose symbols may be missing: the kernel's, a user process's (options kdefs and udefs)."""
        self.runs = True
        """Whether what is compiled is to run."""
        self._version = encoded(VERSION)
        self.hidden: frozenset[str] = frozenset()
        """The built-in names that came with a later version of D than the one that is asked for."""
        self._library = library

    def use_version(self, version: int) -> None:
        """Know those built-in names only that this version of the language has, encoded as in versions.py."""
        if version == self._version:
            return
        self._version = version
        rows = (row for table in (BUILTINS, ACTIONS, SUBROUTINES, AGGREGATING) for row in table.values())
        self.hidden = frozenset(row.name for row in rows if encoded(row.version) > version)

    def hide(self, name: str) -> None:
        """Forget a global name."""
        self.variables.pop(("global", name), None)
        self.inlines.pop(name, None)

    def has(self, table: Container[str], name: str) -> bool:
        """Whether a built-in name of a table is known."""
        return name in table and name not in self.hidden

    def variable(self, scope: str, name: str) -> Variable | None:
        return self.variables.get((scope, name))

    def define(self, variable: Variable) -> Variable:
        self.variables[variable.scope, variable.name] = variable
        return variable

    def inline(self, name: str) -> Inline | None:
        """The inline of that name, which may be a library's."""
        if name not in self.inlines and self._library(name):
            return self.inlines.get(name)
        return self.inlines.get(name)

    def enumerator(self, name: str) -> tuple[int, EnumType] | None:
        """The value and the type of an enumeration constant: the program's own, a library's or the kernel's."""
        return self.source.enumerator(name)

    def add_translator(self, made: Translator) -> None:
        self.translators[_identity(made.output), str(made.input)] = made

    def translator(self, source: Type, output: StructType) -> Translator | None:
        """The translator of one type to another: by the very name of the type if there is one, else by what it is."""
        if found := self.named_translator(source, output):
            return found
        identity = _identity(output)
        alike = (each for (to, _), each in self.translators.items() if to == identity and same(each.input, source))
        return next(alike, None)

    def named_translator(self, source: Type, output: StructType) -> Translator | None:
        """The translator of a type of that very name."""
        return self.translators.get((_identity(output), str(source)))

    def may_declare(self, name: str) -> bool:
        """Whether a global variable may have this name: built-in names are taken (V9)."""
        if name in self.source.enumerators or any(self.has(table, name) for table in _TABLES):
            return False
        return self.inline(name) is None

    def is_free(self, name: str) -> bool:
        """Whether nothing is called so yet that shares its names with global variables."""
        return ("global", name) not in self.variables and self.may_declare(name)

    def is_type(self, name: str) -> bool:
        """Whether a word names a type: not when a variable has that name (L16)."""
        if "`" in name:
            module, _, name = name.rpartition("`")
            return self.source.typedef(name, module) is not None
        if ("global", name) in self.variables or name in self.inlines or self.has(BUILTINS, name) or name in CONSTANTS:
            return False
        return self.source.typedef(name) is not None

    def resolve(self, name: ast.TypeName) -> Type:
        """The type that a type name stands for."""
        from dtrace_py.lang.check.types import resolve

        return resolve(self, name)

    def builtin(self, text: str) -> Type:
        """The type written in one of the tables: ``uint64_t``, ``struct task_struct *``, ``const char *``."""
        kind = type_from(text, self.source)
        if kind is None:
            raise unknown(text.replace("*", "").strip(), None)
        return kind


def _identity(output: StructType) -> str:
    """What structures that are the same have in common."""
    return output.where if output.anonymous else output.name


_TABLES: tuple[Container[str], ...] = (BUILTINS, CONSTANTS, ACTIONS, SUBROUTINES, AGGREGATING)


def pointee(kind: Type) -> Type:
    """What may be read through a pointer of this type; raises D_DEREF_* (13.2)."""
    if not isinstance(kind, PointerType):
        raise CompileError("D_DEREF_NONPTR", f'cannot dereference non-pointer type "{kind}"')
    if isinstance(kind.target, VoidType):
        raise CompileError("D_DEREF_VOID", "cannot dereference pointer to void")
    if isinstance(kind.target, FunctionType):
        raise CompileError("D_DEREF_FUNC", "cannot dereference pointer to function")
    return kind.target
