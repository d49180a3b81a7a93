"""Declarations of providers: their probes, native and translated arguments (contract D9, P27, V105 to V110)."""

from __future__ import annotations

from collections.abc import Iterator

from dtrace_py.lang.check.types import check_twins, check_void, resolve
from dtrace_py.lang.definitions import DeclaredProbe, DeclaredProvider, ProbeArgument
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.types import DynamicType, FunctionType, PointerType, StructType, Type, VoidType, compatible, same

_MAX_NAME = 63
_MAX_ARGUMENTS = 255


def provider(node: ast.Provider, scope: Scope) -> None:
    """Enter a provider into the scope, or compare it with what has been declared before."""
    if len(node.name) > _MAX_NAME or node.name[-1].isdigit() or "`" in node.name:
        raise CompileError("D_PROV_BADNAME", f'provider name "{node.name}" may not be used', node.span)
    known = scope.providers.get(node.name)
    probes: dict[str, DeclaredProbe] = {}
    for each in node.probes:
        made = _probe(each, scope)
        if made.name in probes:
            text = f"probe {node.name}:::{made.name} has already been declared"
            raise CompileError("D_PROV_PRDUP", text, each.span)
        if known and not _agrees(known.probes.get(made.name), made):
            text = f"provider {node.name} interface mismatch: probe {made.name}"
            raise CompileError("D_PROV_INCOMPAT", text, each.span)
        probes[made.name] = made
    if known and len(probes) != len(known.probes):
        raise CompileError("D_PROV_INCOMPAT", f"provider {node.name} interface mismatch: probes missing", node.span)
    scope.providers[node.name] = DeclaredProvider(node.name, probes)


def _probe(node: ast.Probe, scope: Scope) -> DeclaredProbe:
    name = node.name.replace("__", "-")
    if len(node.name) > _MAX_NAME or "`" in node.name:
        raise CompileError("D_PROV_BADNAME", f'probe name "{node.name}" may not be used', node.span)
    check_twins(node.arguments)
    native = tuple(_types(node.arguments, scope))
    if len(native) > _MAX_ARGUMENTS:
        raise CompileError("D_PROV_PRARGLEN", f"probe {name} has more than {_MAX_ARGUMENTS} arguments", node.span)
    if node.translated is None:
        return DeclaredProbe(name, native, tuple(ProbeArgument(n, kind) for n, kind in enumerate(native)))
    return DeclaredProbe(name, native, tuple(_translated(node, native, scope)))


def _types(parameters: tuple[ast.Parameter, ...], scope: Scope) -> Iterator[Type]:
    """The types of a prototype; ``(void)`` has none."""
    kinds = [resolve(scope, each.type) for each in parameters]
    check_void(parameters, kinds)
    for kind, each in zip(kinds, parameters, strict=True):
        if isinstance(kind, VoidType):
            return
        if isinstance(kind, DynamicType | FunctionType):
            text = f"{kind} may not be used as a parameter of a probe"
            raise CompileError("D_DECL_PROTO_TYPE", text, each.span)
        yield kind


def _translated(node: ast.Probe, native: tuple[Type, ...], scope: Scope) -> Iterator[ProbeArgument]:
    """args[] by the list behind the colon, which names parameters of the first list (V107)."""
    assert node.translated is not None
    if not list(_types(node.translated, scope)):
        return
    places = {each.name: place for place, each in enumerate(node.arguments) if each.name is not None}
    for each in node.translated:
        if each.name is None:
            raise CompileError("D_DECL_PROTO_NAME", "output parameter of a probe must have a name", each.span)
        if each.name not in places:
            text = f"output parameter {each.name} is not a parameter of probe {node.name}"
            raise CompileError("D_DECL_PROTO_FORM", text, each.span)
        place, kind = places[each.name], resolve(scope, each.type)
        if same(native[place], kind):
            yield ProbeArgument(place, native[place])
            continue
        output = kind.target if isinstance(kind, PointerType) else kind
        if isinstance(output, StructType) and scope.translator(native[place], output):
            yield ProbeArgument(place, native[place], kind)
        elif compatible(kind, native[place]):
            yield ProbeArgument(place, kind)
        else:
            text = f"translator for {node.name}( ) argument #{place + 1} from {native[place]} to {kind} is not defined"
            raise CompileError("D_PROV_PRXLATOR", text, each.span)


def _agrees(known: DeclaredProbe | None, made: DeclaredProbe) -> bool:
    if known is None or len(known.native) != len(made.native) or len(known.arguments) != len(made.arguments):
        return False
    return all(map(same, known.native, made.native)) and all(
        left.native == right.native and same(left.translated or left.type, right.translated or right.type)
        for left, right in zip(known.arguments, made.arguments, strict=True)
    )
