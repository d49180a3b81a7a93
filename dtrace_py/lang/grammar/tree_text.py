"""A syntax tree as text: ``a + b * c`` is ``(+ a (* b c))``; types read from the outside in, ``(array 3 (pointer int))``."""

from __future__ import annotations

import json
from typing import assert_never

from dtrace_py.lang.grammar import ast, tree


def item(node: tree.Clause | ast.Outer) -> str:
    """A clause or a declaration."""
    match node:
        case tree.Clause(descriptions=descriptions, predicate=predicate, body=body):
            when = "" if predicate is None else f"(when {expression(predicate)})"
            return _list("clause", *(each.text for each in descriptions), when, "" if body is None else _block(body))
        case ast.Declaration(storage=storage, specifier=specifier, declarators=declarators):
            return _list(
                storage or "declare",
                *([_specifier(specifier)] if not declarators else ()),
                *_declared(specifier, declarators),
            )
        case ast.Inline(specifier=specifier, declarator=declarator, value=value):
            return _list("inline", *_declared(specifier, (declarator,)), expression(value))
        case ast.Translator(output=output, input=given, name=name, members=members):
            made = (_list(each.member, expression(each.value)) for each in members)
            return _list("translator", _type(output), _list(name, _type(given)), *made)
        case ast.Provider(name=name, probes=probes):
            return _list("provider", name, *map(_probe, probes))
    assert_never(node)


def statement(node: ast.Statement) -> str:
    if not isinstance(node, ast.If):
        return expression(node)
    return _list("if", expression(node.condition), _block(node.yes), _block(node.no) if node.no else "")


def expression(node: ast.Expr) -> str:
    match node:
        case ast.Int(text=text):
            return text
        case ast.Char(value=value):
            return "'" + json.dumps(value)[1:-1] + "'"
        case ast.String(value=value):
            return json.dumps(value)
        case ast.Name(name=name):
            return name
        case ast.Scoped(scope=scope, name=name):
            return f"{scope}->{name}"
        case ast.Aggregation(name=name, keys=None):
            return f"@{name}"
        case ast.Aggregation(name=name, keys=keys):
            return _list(f"@{name}", *map(expression, keys or ()))
        case ast.Call(function=function, arguments=arguments):
            return _list("call", function.name, *map(expression, arguments))
        case ast.Index(base=base, keys=keys):
            return _list("index", expression(base), *map(expression, keys or ()))
        case ast.Member(base=base, name=name, arrow=arrow):
            return _list("->" if arrow else ".", expression(base), name)
        case ast.Unary(op=op, operand=operand):
            return _list(op, expression(operand))
        case ast.Step(operand=operand, delta=delta, postfix=postfix):
            return _list(("post" if postfix else "") + ("++" if delta == 1 else "--"), expression(operand))
        case ast.Binary(op=op, left=left, right=right):
            return _list(op, expression(left), expression(right))
        case ast.Assign(op=op, target=target, value=expr):
            return _list(f"{op or ''}=", expression(target), expression(expr))
        case ast.Conditional(condition=condition, yes=yes, no=no):
            return _list("?", expression(condition), expression(yes), expression(no))
        case ast.Comma(left=left, right=right):
            return _list(",", expression(left), expression(right))
        case ast.Cast(type=kind, operand=operand):
            return _list("cast", _type(kind), expression(operand))
        case ast.SizeOfType(type=kind):
            return _list("sizeof-type", _type(kind))
        case ast.OffsetOf(type=kind, member=member):
            return _list("offsetof", _type(kind), member)
        case ast.Xlate(type=kind, operand=operand):
            return _list("xlate", _type(kind), expression(operand))
    assert_never(node)


def _list(*parts: str) -> str:
    return f"({' '.join(filter(None, parts))})"


def _block(statements: tuple[ast.Statement, ...]) -> str:
    return _list("do", *map(statement, statements))


def _declared(specifier: ast.Specifier, declarators: tuple[ast.Declarator, ...]) -> list[str]:
    return [
        _list(each.name, _layered(specifier, each.layers), f": {expression(each.width)}" if each.width else "")
        for each in declarators
    ]


def _type(node: ast.TypeName) -> str:
    return _layered(node.specifier, node.layers)


def _layered(specifier: ast.Specifier, layers: tuple[ast.Layer, ...]) -> str:
    text = _specifier(specifier)
    for layer in layers:
        match layer:
            case ast.Pointer(qualifiers=qualifiers):
                text = _qualified(qualifiers, _list("pointer", text))
            case ast.ArrayOf(count=count):
                text = _list("array", "" if count is None else expression(count), text)
            case ast.KeyedBy(keys=keys):
                text = _list("keyed", _parameters(keys), text)
            case ast.FunctionOf(parameters=parameters, variadic=variadic):
                text = _list("function", _parameters(parameters), "..." if variadic else "", text)
            case _:
                assert_never(layer)
    return text


def _parameters(parameters: tuple[ast.Parameter, ...]) -> str:
    return _list(*(_list(each.name, _type(each.type)) if each.name else _type(each.type) for each in parameters))


def _specifier(node: ast.Specifier) -> str:
    match node:
        case ast.Words(words=(word,)):
            text = word
        case ast.Words(words=words):
            text = _list(*words)
        case ast.Struct(keyword=keyword, tag=tag, members=members):
            lines = () if members is None else map(_members, members)
            text = _list(keyword, tag or "_", *lines)
        case ast.Enum(tag=tag, enumerators=enumerators):
            text = _list("enum", tag or "_", *map(_enumerator, enumerators or ()))
        case _:
            raise AssertionError(node)
    return _qualified(node.qualifiers, text)


def _qualified(qualifiers: tuple[str, ...], text: str) -> str:
    return _list(*qualifiers, text) if qualifiers else text


def _members(line: ast.Members) -> str:
    return " ".join(_declared(line.specifier, line.declarators)) or _specifier(line.specifier)


def _enumerator(node: ast.Enumerator) -> str:
    return node.name if node.value is None else _list(node.name, expression(node.value))


def _probe(node: ast.Probe) -> str:
    translated = "" if node.translated is None else _parameters(node.translated)
    return _list(node.name, _parameters(node.arguments), translated)
