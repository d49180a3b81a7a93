"""Calls in expressions: subroutines and their arguments, and what else may not be called there (contract 7, O26, R38)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import typed
from dtrace_py.lang.check.conversions import convert, is_zero
from dtrace_py.lang.check.errors import not_in_expression, wrong_argument, wrong_count
from dtrace_py.lang.errors import CompileError, Hint
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.hints import like
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.prototypes import Prototype
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import BUILTINS, CONSTANTS
from dtrace_py.lang.types import INT, STRING, VOID, DynamicType, PointerType, StringType, Type, VoidType, compatible

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


def call(check: ExpressionChecker, node: ast.Call) -> typed.Expr:
    """A call in an expression."""
    require_known(check, node)
    name = node.function.name
    if subroutine := SUBROUTINES.get(name):
        arguments = check_arguments(check, subroutine.prototype, node)
        if name == "alloca":
            _check_scratch(check, arguments[0], node.span)
        return typed.Call(check.scope.builtin(subroutine.prototype.result), node.span, subroutine, arguments)
    if (action := ACTIONS.get(name)) and action.result != "void":
        raise not_in_expression(name, node.span)
    if action or name in AGGREGATING:
        # No value: what is wrong with that depends on where one is wanted (O26).
        nothing = typed.Const(INT, node.span, 0)
        return typed.Convert(VOID if action else DynamicType(), node.span, nothing)
    taken = check.scope.has(BUILTINS, name) or check.scope.variable("global", name) or check.scope.inline(name)
    if taken or name in CONSTANTS:
        raise CompileError("D_FUNC_IDKIND", f"variable '{name}' may not be referenced as a function", node.span)
    known = like(name, lambda: [*SUBROUTINES, *ACTIONS, *AGGREGATING])
    raise _undefined(node, known)


def require_known(check: ExpressionChecker, node: ast.Call) -> None:
    """Raise D_FUNC_UNDEF for a function that came with a later version of D than is asked for."""
    name = node.function.name
    if name in check.scope.hidden:
        row = SUBROUTINES.get(name) or ACTIONS.get(name) or AGGREGATING.get(name)
        raise _undefined(node, lambda: f"it came with version {row.version} of D, see -x version" if row else None)


def _undefined(node: ast.Call, hint: Hint) -> CompileError:
    name = node.function.name
    return CompileError("D_FUNC_UNDEF", f"undefined function name: {name}", node.span, hint)


def check_count(prototype: Prototype, given: int, span: Span) -> None:
    """Raise D_PROTO_LEN unless so many arguments fit."""
    least, most = prototype.least, prototype.most
    if given < least:
        raise wrong_count(f"{prototype.name}( )", given, least, span, least=most != least)
    if most is not None and given > most:
        raise wrong_count(f"{prototype.name}( )", given, most, span)


def check_arguments(check: ExpressionChecker, prototype: Prototype, node: ast.Call) -> tuple[typed.Expr, ...]:
    """The arguments of a call, each converted to its parameter's type."""
    check_count(prototype, len(node.arguments), node.span)
    return tuple(
        check_argument(check, prototype.name, number, parameter, argument)
        for number, (parameter, argument) in enumerate(zip(prototype.parameters, node.arguments, strict=False), start=1)
    )


def check_argument(
    check: ExpressionChecker, name: str, number: int, parameter: str, node: ast.Expr
) -> typed.Expr:  # fmt: skip
    """One argument for a parameter that is written as in the tables."""
    wanted = parameter.strip("[]")
    value = check.value(node)
    kind = _parameter_type(check, wanted)
    if isinstance(value.type, StringType) and isinstance(kind, PointerType) and isinstance(kind.target, VoidType):
        return value  # a string is an array of characters
    if kind is None:  # a kernel type that this kernel does not tell of: any pointer will do
        if isinstance(value.type, PointerType) or is_zero(value):
            return value
    elif compatible(kind, value.type) or (isinstance(kind, PointerType) and is_zero(value)):
        if wanted == "const char *":
            return convert(value, STRING)
        # What points to no string stays a pointer, for the subroutine to copy what it needs.
        return value if isinstance(kind, PointerType) else convert(value, kind)
    raise wrong_argument(f"{name}( )", "argument", number, wanted, value.type, node.span)


def _parameter_type(check: ExpressionChecker, text: str) -> Type | None:
    try:
        return check.scope.builtin(text)
    except CompileError:
        if text.endswith("*"):
            return None
        raise


def _check_scratch(check: ExpressionChecker, size: typed.Expr, span: Span) -> None:
    most = check.limits.scratchsize
    if isinstance(size, typed.Const) and not 0 <= size.value <= most:
        text = f"alloca( ) size {size.value} is larger than scratchsize ({most})"
        raise CompileError("D_ALLOCA_SIZE", text, span)
