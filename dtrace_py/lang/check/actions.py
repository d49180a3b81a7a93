"""Actions: what each of them asks of its arguments (contract 6.1 to 6.3, 13.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dtrace_py.lang import acts, typed
from dtrace_py.lang.check.calls import check_argument, check_arguments, check_count, require_known
from dtrace_py.lang.check.conversions import decayed, is_zero, string
from dtrace_py.lang.check.errors import undefined_aggregation, wrong_argument
from dtrace_py.lang.check.formats import check_printa, check_printf
from dtrace_py.lang.check.memory import require_complete
from dtrace_py.lang.check.stacks import RECORDED, recorded
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.formats import Format, parse_format
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.program import Aggregation
from dtrace_py.lang.tables.actions import ACTIONS, Action
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.types import (
    ArrayType,
    DynamicType,
    FunctionType,
    IntType,
    PointerType,
    StructType,
    VoidType,
    compatible,
    is_scalar,
    is_string_like,
    size_of,
)

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


def action(check: ExpressionChecker, node: ast.Call) -> acts.Statement:
    """An action as a statement."""
    require_known(check, node)
    row = ACTIONS[node.function.name]
    check_count(row.prototype, len(node.arguments), node.span)
    if row.name in RECORDED:
        return acts.Record(recorded(check, node))
    if handler := _HANDLERS.get(row.name):
        return handler(check, row, node)
    return acts.Perform(row, check_arguments(check, row.prototype, node))


# What shows values


def _shown(check: ExpressionChecker, name: str, node: ast.Expr) -> typed.Expr:
    """The argument of trace() or print(), or what makes it none: D_TRACE_VOID, D_PRINT_DYN ... (A1, A2)."""

    def wrong(kind: str, what: str) -> CompileError:
        return CompileError(f"D_{name.upper()}_{kind}", f"{name}( ) may not be applied to {what}", node.span)

    if isinstance(node, ast.Aggregation):
        if node.keys is None:
            check.check(node)  # perhaps there is none of that name
        raise wrong("AGG", "an aggregation")
    called = called_name(node)
    if called in AGGREGATING:
        raise wrong("DYN", "a dynamic expression")
    if called in ACTIONS and ACTIONS[called].result == "void":
        raise wrong("VOID", "a void expression")
    value = check.check(node)
    if isinstance(value.type, VoidType):
        raise wrong("VOID", "a void expression")
    if isinstance(value.type, DynamicType):
        raise wrong("DYN", "a dynamic expression")
    if isinstance(value.type, FunctionType):
        raise CompileError("D_OP_ARRFUN", f"{name}( ) may not be applied to a function", node.span)
    require_complete(check, value.type, "*", node.span)
    return value


def _trace(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    value = _shown(check, "trace", node.arguments[0])
    endless = isinstance(value.type, ArrayType) and value.type.count == 0 and is_string_like(value.type)
    return acts.Trace(string(value) if endless else value)


def _print(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    value = _shown(check, "print", node.arguments[0])
    target = value.type.target if isinstance(value.type, PointerType) else None
    if isinstance(target, StructType) and not size_of(target, check.scope.source, check.strsize):
        text = f"print( ) of a pointer to {target}, the size of which is not known"
        raise CompileError("D_PRINT_SIZE", text, node.span)
    return acts.Perform(row, (value,))


def _tracemem(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    """tracemem(address, size [, shown]) (A5)."""
    address = check.value(node.arguments[0])
    if not is_scalar(address.type):
        text = "tracemem( ) argument #1 must be a pointer or integer"
        raise CompileError("D_TRACEMEM_ADDR", text, node.arguments[0].span)
    size = check.value(node.arguments[1])
    if not (isinstance(size, typed.Const) and isinstance(size.type, IntType) and size.value > 0):
        text = "tracemem( ) argument #2 must be a non-zero positive integral constant expression"
        raise CompileError("D_TRACEMEM_SIZE", text, node.arguments[1].span)
    shown = tuple(map(check.value, node.arguments[2:]))
    if shown and not is_scalar(shown[0].type):
        text = "tracemem( ) argument #3 must be of scalar type"
        raise CompileError("D_TRACEMEM_DYNSIZE", text, node.arguments[2].span)
    return acts.Perform(row, (address, size, *shown))


def _printm(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    """printm(size, memref(...)) (A14)."""
    size, address = map(check.value, node.arguments)
    if not (isinstance(size, typed.Const) and isinstance(size.type, IntType) and size.value > 0):
        text = "printm( ) argument #1 must be a non-zero positive integral constant expression"
        raise CompileError("D_PRINTM_SIZE", text, node.arguments[0].span)
    if not isinstance(address.type, PointerType):
        raise CompileError("D_PRINTM_ADDR", "printm( ) argument #2 must be a pointer", node.arguments[1].span)
    return acts.Perform(row, (size, address))


# Formats


def _format(node: ast.Call) -> Format:
    text, name = node.arguments[0], node.function.name
    if not isinstance(text, ast.String):
        raise CompileError("D_PRINTF_ARG_FMT", f"{name}( ) argument #1 must be a string constant", text.span)
    return parse_format(text.value, text.span)


def _formatted(check: ExpressionChecker, node: ast.Call) -> tuple[Format, tuple[typed.Expr, ...]]:
    """A format and the arguments for its conversions."""
    parsed = _format(node)
    arguments = tuple(_printable(check, node.function.name, argument) for argument in node.arguments[1:])
    check_printf(node.function.name, parsed, arguments, node.span, bool(check.limits.targeted))
    return parsed, arguments


def _printable(check: ExpressionChecker, name: str, node: ast.Expr) -> typed.Expr:
    called = called_name(node)
    if (called in ACTIONS and ACTIONS[called].result == "void") or called in AGGREGATING:
        text = f"{name}( ) argument is incompatible with its conversion: {called}( ) has no value"
        raise CompileError("D_PRINTF_ARG_TYPE", text, node.span)
    value = check.check(node)
    return string(value) if isinstance(value.type, ArrayType) and is_string_like(value.type) else value


def _printf(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    return acts.Printf(*_formatted(check, node))


def _system(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    return acts.Command(row, *_formatted(check, node))


def _freopen(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    """freopen("") restores the output; "." would, behind the scenes (A30)."""
    text = node.arguments[0]
    if isinstance(text, ast.String) and text.value == "" and len(node.arguments) == 1:
        return acts.Command(row, Format(()), ())
    if isinstance(text, ast.String) and text.value == ".":
        raise CompileError("D_FREOPEN_INVALID", 'invalid argument to freopen( ): "."', text.span)
    return acts.Command(row, *_formatted(check, node))


# Aggregations as arguments


def _printa(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    arguments, parsed = list(node.arguments), None
    if isinstance(arguments[0], ast.String):
        parsed = _format(node)
        arguments.pop(0)
        if not arguments:
            raise CompileError("D_PRINTA_PROTO", "printa( ) prototype mismatch: aggregation expected", node.span)
    aggregations = tuple(_aggregation(check, argument, "PRINTA", "printa") for argument in arguments)
    first = aggregations[0]
    for other in aggregations[1:]:
        if len(other.keys) != len(first.keys):
            text = f"printa( ) @{other.name} has {len(other.keys)} keys, @{first.name} has {len(first.keys)}"
            raise CompileError("D_PRINTA_AGGKEY", text, node.span)
        if not all(map(compatible, first.keys, other.keys)):
            text = f"printa( ) @{other.name} keys are incompatible with those of @{first.name}"
            raise CompileError("D_PRINTA_AGGPROTO", text, node.span)
    if parsed:
        check_printa(parsed, aggregations, node.span, bool(check.limits.targeted))
    return acts.Printa(parsed, aggregations)


def _clear(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    return acts.Clear(_aggregation(check, node.arguments[0], "CLEAR", "clear"))


def _trunc(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    aggregation = _aggregation(check, node.arguments[0], "TRUNC", "trunc")
    if len(node.arguments) == 1:
        return acts.Trunc(aggregation, None)
    return acts.Trunc(aggregation, _scalar(check, node.arguments[1], "D_TRUNC_SCALAR", "trunc( ) limit"))


def _normalize(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    aggregation = _aggregation(check, node.arguments[0], "NORMALIZE", row.name)
    if len(node.arguments) == 1:
        return acts.Normalize(aggregation, None)
    return acts.Normalize(
        aggregation, _scalar(check, node.arguments[1], "D_NORMALIZE_SCALAR", "normalize( ) factor")
    )  # fmt: skip


def _scalar(check: ExpressionChecker, node: ast.Expr, tag: str, what: str) -> typed.Expr:
    value = check.check(node)
    if not is_scalar(value.type):
        raise CompileError(tag, f"{what} must be of scalar type", node.span)
    return value


def _aggregation(check: ExpressionChecker, node: ast.Expr, tag: str, name: str) -> Aggregation:
    """The aggregation that an argument names (G74)."""
    if not isinstance(node, ast.Aggregation):
        raise CompileError(f"D_{tag}_AGGARG", f"{name}( ) argument must be an aggregation", node.span)
    if found := check.scope.aggregations.get(node.name):
        return found
    missing = undefined_aggregation(check.scope, node.name, node.span)
    if node.keys is not None:
        missing.tag, missing.message = f"D_{tag}_AGGBAD", f"undefined aggregation: @{node.name}"
    raise missing


# Speculations


def _speculation(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    (id_,) = check_arguments(check, row.prototype, node)
    return acts.Speculate(id_) if row.name == "speculate" else acts.Settle(row.name == "commit", id_)


# The others


def _exit(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    status = check.value(node.arguments[0])
    if not isinstance(status.type, IntType):
        raise wrong_argument("exit( )", "argument", 1, "int", status.type, node.arguments[0].span)
    return acts.Exit(status)


def _pcap(check: ExpressionChecker, row: Action, node: ast.Call) -> acts.Statement:
    """pcap(packet, protocol): a pointer, of whatever type (A15)."""
    packet = decayed(check.value(node.arguments[0]))
    if not isinstance(packet.type, PointerType) and not is_zero(packet):
        raise wrong_argument("pcap( )", "argument", 1, "void *", packet.type, node.arguments[0].span)
    return acts.Perform(row, (packet, check_argument(check, "pcap", 2, "int", node.arguments[1])))


_HANDLERS: dict[str, Callable[[ExpressionChecker, Action, ast.Call], acts.Statement]] = {
    "clear": _clear,
    "commit": _speculation,
    "denormalize": _normalize,
    "discard": _speculation,
    "exit": _exit,
    "freopen": _freopen,
    "normalize": _normalize,
    "pcap": _pcap,
    "print": _print,
    "printa": _printa,
    "printf": _printf,
    "printm": _printm,
    "speculate": _speculation,
    "system": _system,
    "trace": _trace,
    "tracemem": _tracemem,
    "trunc": _trunc,
}
"""Actions that ask more of their arguments than a prototype says."""


def called_name(node: ast.Expr) -> str:
    """The name of the function that a node calls, if it does."""
    return node.function.name if isinstance(node, ast.Call) else ""
