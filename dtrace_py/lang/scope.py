"""The names of one compilation, in program order: variables, aggregations, types (contract 3.3, V7, V8, V12)."""

from __future__ import annotations

from dtrace_py.lang import ast
from dtrace_py.lang.definitions import Inline, Translator
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.program import Program, Variable
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import BUILTINS, CONSTANTS
from dtrace_py.lang.types import (
    INTRINSICS,
    FunctionType,
    PointerType,
    StructType,
    Type,
    TypeSource,
    VoidType,
    specified,
)


class Scope:
    """All that is known at a point of the program. It only grows."""

    def __init__(self, source: TypeSource, program: Program) -> None:
        self.source = source
        self.variables: dict[tuple[str, str], Variable] = {}
        self.inlines: dict[str, Inline] = {}
        self.translators: list[Translator] = []
        self.aggregations = program.aggregations
        self.builtins = program.builtins

    def variable(self, scope: str, name: str) -> Variable | None:
        return self.variables.get((scope, name))

    def define(self, variable: Variable) -> Variable:
        self.variables[variable.scope, variable.name] = variable
        return variable

    def may_declare(self, name: str) -> bool:
        """Whether a global variable may have this name: built-in names are taken (V9)."""
        return name not in self.inlines and not any(name in table for table in (BUILTINS, CONSTANTS, ACTIONS, SUBROUTINES, AGGREGATING))

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
        text = " ".join(words)
        if words[0] in ("struct", "union", "enum") and len(words) == 2:
            if self.source.has_struct(text):
                return StructType(text)
        elif len(words) == 1 and words[0] in INTRINSICS:
            return INTRINSICS[words[0]]
        elif (canonical := specified(words)) is not None:
            return INTRINSICS[canonical]
        elif len(words) == 1 and (kind := self.source.typedef(text)) is not None:
            return kind
        raise _no_type(words, span)


def _words(specifier: ast.Specifier) -> tuple[str, ...]:
    match specifier:
        case ast.Words(words=words):
            return words
        case ast.Struct(keyword=keyword, tag=str(tag), members=None):
            return keyword, tag
        case ast.Enum(tag=str(tag), enumerators=None):
            return "enum", tag
    raise not_built(f"a definition of {specifier}", specifier.span)


_ATTRIBUTES = frozenset({"short", "long", "signed", "unsigned"})
_KEYWORDS = _ATTRIBUTES | {"char", "int", "float", "double", "void", "string"}


def _no_type(words: tuple[str, ...], span: Span | None) -> CompileError:
    """Why these words name no type (13.8)."""
    text, attributes = " ".join(words), _ATTRIBUTES.intersection(words)
    bases = [word for word in words if word not in _ATTRIBUTES]
    if len(bases) == 1 and attributes:
        if bases == ["void"]:
            return CompileError(
                "D_DECL_VOIDATTR", "invalid type declaration: attributes may not be used with void", span
            )
        if bases == ["char"] and attributes & {"short", "long"}:
            what = "short and long may not be used with char"
            return CompileError("D_DECL_CHARATTR", f"invalid type declaration: {what}", span)
        if bases[0] in ("string", "float", "double") and attributes & {"signed", "unsigned"}:
            what = "signed and unsigned may only be used with integer type"
            return CompileError("D_DECL_SIGNINT", f"invalid type declaration: {what}", span)
        if bases == ["string"]:
            what = f"{min(attributes)} may only be used with arithmetic type"
            return CompileError("D_DECL_LONGINT", f"invalid type declaration: {what}", span)
    if words in (("float",), ("double",)) or sorted(words) == ["double", "long"]:
        return not_built(f"the type {text}", span)
    if len(words) > 1 and words != ("long", "float") and _KEYWORDS.issuperset(words):
        return CompileError("D_DECL_COMBO", f"invalid type declaration: {text}", span)
    return CompileError("D_UNKNOWN", f"failed to resolve type {text}: Unknown type name", span)


def pointee(kind: Type) -> Type:
    """What may be read through a pointer of this type; raises D_DEREF_* (13.2)."""
    if not isinstance(kind, PointerType):
        raise CompileError("D_DEREF_NONPTR", f'cannot dereference non-pointer type "{kind}"')
    if isinstance(kind.target, VoidType):
        raise CompileError("D_DEREF_VOID", "cannot dereference pointer to void")
    if isinstance(kind.target, FunctionType):
        raise CompileError("D_DEREF_FUNC", "cannot dereference pointer to function")
    return kind.target
