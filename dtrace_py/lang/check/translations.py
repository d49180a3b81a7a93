"""Translators at work: xlate, the members that they define, translated built-ins, args[] (contract 3.4, 5, 13.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import typed
from dtrace_py.lang.check.conversions import as_declared, string
from dtrace_py.lang.check.errors import wrong_argument, wrong_count
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.facts import Field
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.hints import like
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.variables import BUILTINS, Builtin
from dtrace_py.lang.types import ArrayType, DynamicType, IntType, PointerType, StructType, Type, same, size_of

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker

_REGISTERS = 27
"""More than the indexes of uregs[] that there are on x86-64."""


def xlate(check: ExpressionChecker, node: ast.Xlate) -> typed.Expr:
    """``xlate <type>(operand)``: nothing is computed but the members that are read of it (D8)."""
    kind = check.scope.resolve(node.type)
    return translated(check, check.value(node.operand), kind, node.span)


def translated(check: ExpressionChecker, operand: typed.Expr, kind: Type, span: Span) -> typed.Translated:
    """The operand, translated to a structure or, if the type is a pointer, to the address of one."""
    pointer = isinstance(kind, PointerType)
    output = kind.target if isinstance(kind, PointerType) else kind
    if not isinstance(output, StructType) or check.scope.source.size(output) is None:
        text = f"translator output type {kind} is not a struct or union type"
        raise CompileError("D_XLATE_SOU", text, span)
    translator = check.scope.translator(operand.type, output)
    if translator is None:
        raise CompileError("D_XLATE_NONE", f'translator does not exist from "{operand.type}" to "{kind}"', span)
    return typed.Translated(DynamicType(), span, translator, operand, pointer)


def translated_member(check: ExpressionChecker, base: typed.Translated, name: str, span: Span) -> typed.Expr:
    """A member of a translated structure: what its translator says it is."""
    translator = base.translator
    value = translator.members.get(name)
    if value is None:
        text = f"translator does not define conversion for member: {name}"
        raise CompileError("D_XLATE_NOCONV", text, span, like(name, lambda: translator.members))
    field = check.scope.source.member(translator.output, name)
    made = check.expansion({translator.name: base.operand}, value, translator.source, span)
    return as_declared(made, field.type, span) if field else made


def built(check: ExpressionChecker, whole: typed.Translated) -> typed.Built:
    """All that a translator defines, as a structure (T12)."""
    output, source, members = whole.translator.output, check.scope.source, []
    for name in whole.translator.members:
        field = source.member(output, name)
        assert field
        value = translated_member(check, whole, name, whole.span)
        if isinstance(value, typed.Translated):
            value = built(check, value)
        elif isinstance(field.type, ArrayType) and not same(field.type, value.type):
            value = string(value)  # text, cut to what there is room for
        start, bits = placed(field, size_of(field.type, source, check.strsize) or 8)
        members.append(typed.Member(start, field.type, bits, value))
    return typed.Built(output, whole.span, tuple(members))


def placed(field: Field, size: int) -> tuple[int, tuple[int, int] | None]:
    """The offset of a member in bytes; for a bit-field, of the unit that it is in, and its place there."""
    if field.bit_size is None:
        return field.bit_offset // 8, None
    start = field.bit_offset // (size * 8) * size
    return start, (field.bit_offset - start * 8, field.bit_size)


def builtin_translation(check: ExpressionChecker, builtin: Builtin, span: Span) -> typed.Expr | None:
    """The built-in as a translation of another one, if it is one: curpsinfo, curlwpsinfo, curcpu."""
    if builtin.name not in ("curpsinfo", "curlwpsinfo"):
        return None
    task = BUILTINS["curthread"]
    check.scope.builtins.add(task.name)
    operand = typed.Read(check.scope.builtin(task.type), span, task)
    return translated(check, operand, check.scope.builtin(builtin.type), span)


def builtin_element(check: ExpressionChecker, name: str, node: ast.Index) -> typed.Expr:
    """``args[n]``, ``fds[n]`` or ``uregs[n]``."""
    builtin = BUILTINS[name]
    check.note(f"{name}[ ]", builtin.stability, node.span)
    check.scope.builtins.add(name)
    if len(node.keys) != 1:
        raise wrong_count(f"{name}[ ]", len(node.keys), 1, node.span, "key")
    index = check.value(node.keys[0])
    if name == "args":
        return _argument(check, index, node.span)
    if not isinstance(index.type, IntType) or (name == "uregs" and not isinstance(index, typed.Const)):
        wanted = "integer constant" if name == "uregs" else "int"
        raise wrong_argument(f"{name}[ ]", "key", 1, wanted, index.type, index.span)
    if name == "uregs":
        assert isinstance(index, typed.Const)
        if not 0 <= index.value < _REGISTERS:
            raise CompileError("D_REGS_IDX", f"index {index.value} is out of range for array uregs[ ]", node.span)
        return typed.Element(check.scope.builtin(builtin.type), node.span, builtin, index)
    output = check.scope.builtin(builtin.type)
    file = typed.Element(check.scope.builtin("struct file *"), node.span, builtin, index)
    return translated(check, file, output, node.span)


def _argument(check: ExpressionChecker, index: typed.Expr, span: Span) -> typed.Expr:
    """``args[n]`` as the matched probes have it (B2, V61)."""
    if not (isinstance(index, typed.Const) and isinstance(index.type, IntType)):
        raise wrong_argument("args[ ]", "key", 1, "integer constant", index.type, span)
    arguments = check.arguments()
    if not 0 <= index.value < len(arguments):
        raise CompileError("D_ARGS_IDX", f"index {index.value} is out of range for args[ ]", span)
    argument = arguments[index.value]
    if (size_of(argument.type, check.scope.source, check.strsize) or 8) > 8:
        text = f"args[{index.value}] is a {argument.type} that does not come in one register"
        raise CompileError("D_ARGS_TYPE", text, span)
    native = typed.Argument(argument.type, span, argument.native)
    if argument.translated is None:
        return native
    try:
        return translated(check, native, argument.translated, span)
    except CompileError as error:
        if error.tag == "D_XLATE_NONE":
            text = f"translator for args[{index.value}] from {argument.type} to {argument.translated} is not defined"
            raise CompileError("D_ARGS_XLATOR", text, span) from error
        raise
