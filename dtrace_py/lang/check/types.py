"""From types as they are written to types: specifiers, declarators, definitions of structures (contract 3.4, 13.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import constants
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.grammar.reader import MAX_DEPTH
from dtrace_py.lang.intrinsics import specified, unknown
from dtrace_py.lang.layouts import lay_out
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import (
    INT,
    ArrayType,
    DynamicType,
    EnumType,
    FloatType,
    FunctionType,
    IntType,
    PointerType,
    StructType,
    Type,
    VoidType,
    size_of,
)

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker
    from dtrace_py.lang.scope import Scope

_INT_MAX = (1 << 31) - 1
_MOST_ELEMENTS = (1 << 32) - 1
_MOST_BYTES = (1 << 63) - 1


def resolve(scope: Scope, name: ast.TypeName) -> Type:
    """The type that a type name stands for."""
    return around(scope, specified_type(scope, name.specifier), name.specifier, name.layers)


def specified_type(scope: Scope, node: ast.Specifier) -> Type:
    """The type of a specifier; a structure or enumeration with a body is defined on the way, one that nobody knows is
    taken to be declared, and may be pointed to."""
    match node:
        case ast.Words(words=words):
            return _words(scope, words, node.span)
        case ast.Enum(enumerators=None):
            return _tagged(scope, f"enum {node.tag}", node.span)
        case ast.Enum():
            return _enumeration(scope, node)
        case ast.Struct(members=None):
            return _tagged(scope, f"{node.keyword} {node.tag}", node.span)
        case ast.Struct():
            return _structure(scope, node)
    raise AssertionError(node)


def _words(scope: Scope, words: tuple[str, ...], span: Span) -> Type:
    module, backquote, name = words[-1].rpartition("`")
    kind = scope.source.typedef(name, module) if len(words) == 1 else specified(words, span)
    if kind is None and backquote:
        raise unknown(words[0], span)
    return kind or specified(words, span)


def _tagged(scope: Scope, name: str, span: Span) -> Type:
    keyword, _, tag = name.partition(" ")
    module, _, tag = tag.rpartition("`")
    kind = scope.source.tagged(f"{keyword} {tag}", module)
    if kind is None and module:
        raise unknown(name, span)
    return kind or scope.source.declare(name)


# Declarators


def around(scope: Scope, kind: Type, specifier: ast.Specifier, layers: tuple[ast.Layer, ...]) -> Type:
    """What the layers of a declarator make of a type; an associative array is ``<DYN>``."""
    user = "userland" in specifier.qualifiers or any(
        isinstance(layer, ast.Pointer) and "userland" in layer.qualifiers for layer in layers
    )
    for layer in layers:
        match layer:
            case ast.Pointer():
                kind = PointerType(kind, user)
            case ast.ArrayOf(count=count):
                kind = _array(scope, kind, count, layer.span)
            case ast.FunctionOf(parameters=parameters):
                check_twins(parameters)
                check_void(parameters, [resolve(scope, parameter.type) for parameter in parameters])
                kind = FunctionType()
            case ast.KeyedBy():
                kind = DynamicType()
    return kind


def _array(scope: Scope, element: Type, count: ast.Expr | None, span: Span) -> ArrayType:
    if isinstance(element, VoidType):
        raise CompileError("D_DECL_VOIDOBJ", "cannot declare array of void", span)
    if isinstance(element, DynamicType):
        raise CompileError("D_DECL_DYNOBJ", "cannot declare array of associative arrays", span)
    size = size_of(element, scope.source, scope.strsize())
    if size is None:
        raise CompileError("D_DECL_INCOMPLETE", f"cannot declare array of incomplete type {element}", span)
    if count is None:
        return ArrayType(element, 0)
    number = constant(scope, count)
    if number is None or number <= 0:
        text = "positive integral constant expression or tuple signature expected as array declaration subscript"
        raise CompileError("D_DECL_ARRSUB", text, count.span)
    if number > _MOST_ELEMENTS or number * size > _MOST_BYTES:
        raise CompileError("D_DECL_ARRBIG", f"dimension of array is too big: {number}", count.span)
    return ArrayType(element, number)


def constant(scope: Scope, node: ast.Expr) -> int | None:
    """The value of an integer constant expression; None for anything else."""
    from dtrace_py.lang import typed

    value = expressions(scope).value(node)
    return value.value if isinstance(value, typed.Const) and isinstance(value.type, IntType) else None


def expressions(scope: Scope) -> ExpressionChecker:
    """A checker of expressions that stand in no clause."""
    from dtrace_py.lang.check.expressions import ExpressionChecker
    from dtrace_py.lang.limits import Limits

    return ExpressionChecker(scope, Limits(scope.strsize()))


# Structures and enumerations


def _structure(scope: Scope, node: ast.Struct) -> StructType:
    assert node.members is not None
    name = f"{node.keyword} {node.tag}"
    if node.tag is not None:
        check_name(node.tag, node.span)
        if scope.source.is_defined(name):
            raise CompileError("D_DECL_TYPERED", f"type redeclared: {name}", node.span)
    kind = scope.source.begin(node.keyword, node.tag)
    members: list[tuple[str, Type, int | None]] = []
    for line in node.members:
        base = specified_type(scope, line.specifier)
        if not line.declarators:
            members.append(("", base, None))
        for declarator in line.declarators:
            members.append(_member(scope, base, line.specifier, declarator))
    _refuse_twins(scope, members, node.span)
    layout = lay_out(members, node.keyword == "union", scope.source, scope.strsize())
    if layout.size > _MOST_BYTES:
        raise CompileError("D_UNKNOWN", f"{name} is too big", node.span)
    scope.source.complete(kind, layout)
    return kind


def _member(scope: Scope, base: Type, specifier: ast.Specifier, node: ast.Declarator) -> tuple[str, Type, int | None]:
    kind = around(scope, base, specifier, node.layers)
    check_name(node.name, node.span)
    check_object(scope, kind, node.name, "member", node.span)
    return node.name, kind, None if node.width is None else _width(scope, kind, node.name, node.width)


def _width(scope: Scope, kind: Type, name: str, node: ast.Expr) -> int:
    """The width of a bit-field (D2)."""
    width = constant(scope, node)
    if width is None or width <= 0:
        text = f"positive integral constant expression expected as bit-field size: {name}"
        raise CompileError("D_DECL_BFCONST", text, node.span)
    if not isinstance(kind, IntType) or isinstance(kind, EnumType):
        raise CompileError("D_DECL_BFTYPE", f"invalid type for bit-field: {name} {kind}", node.span)
    if width > kind.size * 8:
        raise CompileError("D_DECL_BFSIZE", f"bit-field too big for type: {name}", node.span)
    return width


def _refuse_twins(scope: Scope, members: list[tuple[str, Type, int | None]], span: Span) -> None:
    seen: set[str] = set()
    for name, kind, _ in members:
        inner = scope.source.members(kind) if name == "" and isinstance(kind, StructType) else ()
        for each in [name, *(inner_name for inner_name, _ in inner)]:
            if each in seen and each:
                raise CompileError("D_UNKNOWN", f"failed to define member '{each}': Duplicate member name", span)
            seen.add(each)


def _enumeration(scope: Scope, node: ast.Enum) -> EnumType:
    assert node.enumerators is not None
    name = "enum" if node.tag is None else f"enum {node.tag}"
    if node.tag is not None:
        check_name(node.tag, node.span)
        if scope.source.is_defined(name):
            raise CompileError("D_DECL_TYPERED", f"type redeclared: {name}", node.span)
    values: dict[str, int] = {}
    following = 0
    for each in node.enumerators:
        if not scope.is_free(each.name) or each.name in values:
            raise CompileError("D_DECL_IDRED", f"identifier redeclared: {each.name}", each.span)
        check_name(each.name, each.span)
        value = following if each.value is None else _explicit(scope, each.name, each.value)
        values[each.name] = value = constants.cut(value, INT)
        scope.source.enumerators[each.name] = value, EnumType(name, 4, True)  # for those that follow in this one
        following = value + 1
    kind = EnumType(name, 4, True, (), tuple(values.items()))
    scope.source.enumerators.update((each, (value, kind)) for each, value in values.items())
    if node.tag is not None:
        scope.source.tags[name] = kind
    return kind


def _explicit(scope: Scope, name: str, node: ast.Expr) -> int:
    value = constant(scope, node)
    if value is None:
        text = f"enumerator '{name}' must be assigned to an integral constant expression"
        raise CompileError("D_DECL_ENCONST", text, node.span)
    if not -_INT_MAX - 1 <= value <= _INT_MAX:
        raise CompileError("D_DECL_ENOFLOW", f"enumerator '{name}' value overflows INT_MAX", node.span)
    return value


# What may be declared


def check_depth(kind: Type, span: Span) -> None:
    """Raise the error for a type around types around types, as typedef upon typedef may make it."""
    depth = 0
    while isinstance(kind, PointerType | ArrayType):
        kind = kind.target if isinstance(kind, PointerType) else kind.element
        depth += 1
    if depth > MAX_DEPTH or (isinstance(kind, IntType | FloatType) and len(kind.chain) > MAX_DEPTH):
        raise CompileError("D_SYNTAX", f"types nested more than {MAX_DEPTH} deep", span)


def check_twins(parameters: tuple[ast.Parameter, ...]) -> None:
    """Raise D_DECL_PROTO_FORM for two parameters of one name."""
    seen: set[str] = set()
    for each in parameters:
        if each.name in seen:
            raise CompileError("D_DECL_PROTO_FORM", f"parameter is already declared: {each.name}", each.span)
        if each.name is not None:
            seen.add(each.name)


def check_void(parameters: tuple[ast.Parameter, ...], kinds: list[Type]) -> None:
    """Raise the error for a void parameter that has a name, or others besides it."""
    for each, kind in zip(parameters, kinds, strict=True):
        if isinstance(kind, VoidType) and len(parameters) > 1:
            raise CompileError("D_DECL_PROTO_VOID", "void must be the sole parameter", each.span)
        if isinstance(kind, VoidType) and each.name is not None:
            raise CompileError("D_DECL_PROTO_NAME", f"void parameter may not have a name: {each.name}", each.span)


def check_name(name: str, span: Span) -> None:
    """Raise D_DECL_SCOPE for a declared name with a backquote."""
    if "`" in name:
        raise CompileError("D_DECL_SCOPE", f"a scope may not be specified in the declaration of {name}", span)


def check_object(scope: Scope, kind: Type, name: str, what: str, span: Span) -> None:
    """Raise the error for a type that no variable or member can have."""
    if isinstance(kind, VoidType):
        raise CompileError("D_DECL_VOIDOBJ", f"cannot declare void {what}: {name}", span)
    if isinstance(kind, DynamicType):
        raise CompileError("D_DECL_DYNOBJ", f"cannot declare dynamic {what}: {name}", span)
    if isinstance(kind, FunctionType):
        raise CompileError("D_VAR_UNSUP", f"a function may not be declared as {what}: {name}", span)
    if size_of(kind, scope.source, scope.strsize()) is None:
        raise CompileError("D_DECL_INCOMPLETE", f"incomplete struct/union/enum {kind}: {name}", span)
