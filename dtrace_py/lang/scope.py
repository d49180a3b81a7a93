"""The names of one compilation, in program order: variables, aggregations, types (contract 3.3, V7, V8, V12)."""

from __future__ import annotations

from dtrace_py.lang import ast
from dtrace_py.lang.definitions import Inline, Translator
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.facts import TypeSource
from dtrace_py.lang.intrinsics import INTRINSICS, specified, unknown
from dtrace_py.lang.program import Program, Variable
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import BUILTINS, CONSTANTS
from dtrace_py.lang.types import (
    FunctionType,
    PointerType,
    StructType,
    Type,
    VoidType,
    same,
)


class Scope:
    """All that is known at a point of the program. It only grows."""

    def __init__(self, source: TypeSource, program: Program) -> None:
        self.source = source
        self.variables: dict[tuple[str, str], Variable] = {}
        self.inlines: dict[str, Inline] = {}
        self.translators: list[Translator] = []
        self.scratch: dict[tuple[str, str], bool] = {}
        """Whether a pointer variable holds addresses of the clause's own memory, by its first assignment."""
        self.spoiled: set[tuple[str, str]] = set()
        """Names that a wrong statement would have made: that they are missing is no error of its own."""
        self.aggregations = program.aggregations
        self.builtins = program.builtins
        self.attributes = program.attributes

    def variable(self, scope: str, name: str) -> Variable | None:
        return self.variables.get((scope, name))

    def define(self, variable: Variable) -> Variable:
        self.variables[variable.scope, variable.name] = variable
        return variable

    def enumerator(self, name: str) -> int | None:
        """The value of an enumeration constant."""
        found = self.source.enumerator(name)
        return found[0] if found else None

    def translators_to(self, output: Type) -> list[Translator]:
        """The translators to a structure."""
        return [each for each in self.translators if same(each.output, output)]

    def may_declare(self, name: str) -> bool:
        """Whether a global variable may have this name: built-in names are taken (V9)."""
        return name not in self.inlines and not any(
            name in table for table in (BUILTINS, CONSTANTS, ACTIONS, SUBROUTINES, AGGREGATING)
        )

    def is_type(self, name: str) -> bool:
        """Whether a word names a type: not when a variable has that name (L16)."""
        if ("global", name) in self.variables or name in BUILTINS or name in CONSTANTS:
            return False
        return name in INTRINSICS or self.source.typedef(name) is not None

    def resolve(self, name: ast.TypeName) -> Type:
        """The type that a type name stands for."""
        kind = self._base(_words(name.specifier), name.span)
        for layer in name.layers:
            if not isinstance(layer, ast.Pointer):
                raise not_built("an array or function type", layer.span)
            kind = PointerType(kind)
        return kind

    def builtin(self, text: str) -> Type:
        """The type written in one of the tables: ``uint64_t``, ``struct task_struct *``."""
        words = tuple(word for word in text.replace("*", " ").split() if word != "const")
        kind = StructType(" ".join(words)) if words[0] == "struct" else self._base(words, None)
        for _ in range(text.count("*")):
            kind = PointerType(kind)
        return kind

    def _base(self, words: tuple[str, ...], span: Span | None) -> Type:
        if words[0] in ("struct", "union", "enum") and len(words) == 2:
            kind = self.source.tagged(" ".join(words))
        elif len(words) == 1 and words[0] not in INTRINSICS:
            kind = self.source.typedef(words[0])
        else:
            return specified(words, span)
        if kind is None:
            raise unknown(" ".join(words), span)
        return kind


def _words(specifier: ast.Specifier) -> tuple[str, ...]:
    match specifier:
        case ast.Words(words=words):
            return words
        case ast.Struct(keyword=keyword, tag=str(tag), members=None):
            return keyword, tag
        case ast.Enum(tag=str(tag), enumerators=None):
            return "enum", tag
    raise not_built(f"a definition of {specifier}", specifier.span)


def pointee(kind: Type) -> Type:
    """What may be read through a pointer of this type; raises D_DEREF_* (13.2)."""
    if not isinstance(kind, PointerType):
        raise CompileError("D_DEREF_NONPTR", f'cannot dereference non-pointer type "{kind}"')
    if isinstance(kind.target, VoidType):
        raise CompileError("D_DEREF_VOID", "cannot dereference pointer to void")
    if isinstance(kind.target, FunctionType):
        raise CompileError("D_DEREF_FUNC", "cannot dereference pointer to function")
    return kind.target
