"""Inlines and translators (contract D6, D7), and providers (D9), which are in check/providers.py."""

from __future__ import annotations

from dtrace_py.lang import typed
from dtrace_py.lang.check.conversions import fits
from dtrace_py.lang.check.types import (
    around,
    check_name,
    check_object,
    check_twins,
    expressions,
    resolve,
    specified_type,
)
from dtrace_py.lang.definitions import Inline, Translator
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.hints import like
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import (
    UINTPTR,
    DynamicType,
    PointerType,
    StructType,
    Type,
    VoidType,
    same,
)


def define(node: ast.Outer, scope: Scope) -> None:
    """Enter an inline, a translator or a provider into the scope."""
    match node:
        case ast.Inline():
            _inline(node, scope)
        case ast.Translator():
            _translator(node, scope)
        case ast.Provider():
            from dtrace_py.lang.check.providers import provider

            provider(node, scope)


def _inline(node: ast.Inline, scope: Scope) -> None:
    name, layers, span = node.declarator.name, node.declarator.layers, node.declarator.span
    check_name(name, span)
    keyed = layers[-1] if layers and isinstance(layers[-1], ast.KeyedBy) else None
    kind = around(scope, specified_type(scope, node.specifier), node.specifier, layers[:-1] if keyed else layers)
    check_object(scope, kind, name, "inline", span)
    if not scope.is_free(name):
        raise CompileError("D_DECL_IDRED", f"identifier redefined: {name}", span)
    check_twins(keyed.keys if keyed else ())
    parameters = tuple(_parameter(key, scope) for key in keyed.keys) if keyed else None
    bound = {key: placeholder(of, span) for key, of in parameters or () if key}
    value = expressions(scope).within(bound, node.value)
    if not _may_be(kind, value):
        text = f'inline {name} definition uses incompatible types: "{kind}" = "{value.type}"'
        raise CompileError("D_OP_INCOMPAT", text, node.span)
    scope.inlines[name] = Inline(name, kind, parameters, node.value, scope.text)


def _parameter(node: ast.Parameter, scope: Scope) -> tuple[str, Type]:
    kind = resolve(scope, node.type)
    if isinstance(kind, VoidType | DynamicType):
        raise CompileError("D_DECL_PROTO_TYPE", f"{kind} may not be used as a parameter of an inline", node.span)
    return node.name or "", kind


def _translator(node: ast.Translator, scope: Scope) -> None:
    output, given = resolve(scope, node.output), resolve(scope, node.input)
    if not isinstance(output, StructType) or scope.source.size(output) is None:
        text = f"translator output type must be a complete struct or union: {output}"
        raise CompileError("D_XLATE_SOU", text, node.output.span)
    if scope.named_translator(given, output):
        text = f"translator from {given} to {output} has already been declared"
        raise CompileError("D_XLATE_REDECL", text, node.span)
    bound: dict[str, typed.Expr] = {node.name: placeholder(given, node.input.span)}
    made = Translator(output, given, node.name, {each.member: each.value for each in node.members}, scope.text)
    for each in node.members:
        field = scope.source.member(output, each.member)
        if field is None:
            text = f"translator member {each.member} is not a member of {output}"
            others = like(each.member, lambda: [name for name, _ in scope.source.members(output)])
            raise CompileError("D_XLATE_MEMB", text, each.span, others)
        value = expressions(scope).within(bound, each.value)
        if not _may_be(field.type, value):
            text = (
                f'translator member {each.member} definition uses incompatible types: "{field.type}" = "{value.type}"'
            )
            raise CompileError("D_XLATE_INCOMPAT", text, each.span)
    scope.add_translator(made)


def placeholder(kind: Type, span: Span) -> typed.Expr:
    """What a parameter is while its inline or translator is only looked at: something of its type."""
    return typed.Load(kind, span, typed.Const(UINTPTR, span, 0))


def _may_be(kind: Type, value: typed.Expr) -> bool:
    """Whether a definition of that type may have that value; a translated one is a structure, or the address of one."""
    if isinstance(value, typed.Translated):
        return same(kind, PointerType(value.translator.output) if value.pointer else value.translator.output)
    return fits(kind, value)
