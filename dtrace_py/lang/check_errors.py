"""The errors that several checks share, in DTrace's words (contract 13)."""

from __future__ import annotations

from dtrace_py.lang import ast
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.types import Type


def undefined(scope: str, name: str, span: Span, array: bool = False) -> CompileError:
    if scope == "global" and not array:
        return CompileError("D_IDENT_UNDEF", f"failed to resolve {name}: Unknown variable name", span)
    shown = name if scope == "global" else f"{scope}->{name}"
    return CompileError("D_VAR_UNDEF", f"{shown} has not yet been declared or assigned", span)


def action_called(node: ast.Expr) -> str | None:
    """The name of the action or aggregating function that a node calls."""
    if isinstance(node, ast.Call):
        name = node.function.name
        return name if name in ACTIONS or name in AGGREGATING else None
    return None


def not_in_expression(name: str, span: Span) -> CompileError:
    return CompileError(
        "D_CG_EXPR", f"{name}( ) may not be called from a D expression (D program context required)", span
    )


def refuse_actions(*nodes: ast.Expr) -> None:
    """Raise D_OP_ACT for an action in the comma operator or an arm of ``?:`` (O26)."""
    for node in nodes:
        if (name := action_called(node)) and (name not in ACTIONS or ACTIONS[name].result == "void"):
            raise CompileError("D_OP_ACT", f"{name}( ) may not be used as an operand of an expression", node.span)


def incompatible(op: str, left: Type, right: Type, span: Span) -> CompileError:
    return CompileError("D_OP_INCOMPAT", f'operands have incompatible types: "{left}" {op} "{right}"', span)


def wrong_count(
    name: str, passed: int, expected: int, span: Span, what: str = "arg", least: bool = False
) -> CompileError:
    """D_PROTO_LEN (13.6)."""
    at_least = "at least " if least else ""
    text = (
        f"{name} prototype mismatch: {passed} {what}{'' if passed == 1 else 's'} passed, {at_least}{expected} expected"
    )
    return CompileError("D_PROTO_LEN", text, span)


def wrong_argument(name: str, what: str, number: int, wanted: Type | str, given: Type, span: Span) -> CompileError:
    """D_PROTO_ARG (13.6)."""
    text = f"{name} {what} #{number} is incompatible with prototype:\n\tprototype: {wanted}\n\t argument: {given}"
    return CompileError("D_PROTO_ARG", text, span)
