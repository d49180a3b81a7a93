"""The errors that several checks share, in DTrace's words (contract 13)."""

from __future__ import annotations

from dtrace_py.lang import hints, typed
from dtrace_py.lang.errors import CompileError, Consequence
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.variables import BUILTINS
from dtrace_py.lang.types import DynamicType, FunctionType, Type, VoidType


def undefined(scope: Scope, where: str, name: str, span: Span, array: bool = False) -> CompileError:
    """D_IDENT_UNDEF or D_VAR_UNDEF for a variable that has not been made (V8); a type may not stand there at all (L16)."""
    if where == "global" and scope.is_type(name):
        return CompileError("D_SYNTAX", f'syntax error near "{name}"', span)
    kind = Consequence if (where, name) in scope.spoiled else CompileError
    if where == "global" and not array:
        text = f"failed to resolve {name}: Unknown variable name"
        return kind("D_IDENT_UNDEF", text, span, hints.like(name, lambda: _known(scope)))
    shown = name if where == "global" else f"{where}->{name}"
    alike = hints.like(name, lambda: [each for place, each in scope.variables if place == where])
    return kind("D_VAR_UNDEF", f"{shown} has not yet been declared or assigned", span, alike)


def _known(scope: Scope) -> list[str]:
    return [
        *(set(BUILTINS) - scope.hidden),
        *scope.inlines,
        *(name for place, name in scope.variables if place == "global"),
    ]


def undefined_aggregation(scope: Scope, name: str, span: Span) -> CompileError:
    """D_IDENT_UNDEF for an aggregation that has not been made (G74)."""
    kind = Consequence if ("@", name) in scope.spoiled else CompileError
    text = f"failed to resolve @{name}: Unknown aggregation name"
    return kind("D_IDENT_UNDEF", text, span, hints.like(name, lambda: scope.aggregations))


def action_called(node: ast.Expr) -> str | None:
    """The name of the action or aggregating function that a node calls."""
    if isinstance(node, ast.Call):
        name = node.function.name
        return name if name in ACTIONS or name in AGGREGATING else None
    return None


def not_in_expression(name: str, span: Span) -> CompileError:
    """D_CG_EXPR (O26)."""
    return CompileError(
        "D_CG_EXPR", f"{name}( ) may not be called from a D expression (D program context required)", span
    )


def refuse_actions(*nodes: ast.Expr) -> None:
    """Raise D_OP_ACT for an action in the comma operator or an arm of ``?:`` (O26)."""
    for node in nodes:
        if (name := action_called(node)) and (name not in ACTIONS or ACTIONS[name].result == "void"):
            raise CompileError("D_OP_ACT", f"{name}( ) may not be used as an operand of an expression", node.span)


def refuse_dynamic(op: str, *operands: typed.Expr) -> None:
    """Raise D_OP_DYN for a translated structure as an operand, and for an aggregation where any other value would do (O14)."""
    for operand in operands:
        if isinstance(operand, typed.Translated) or (
            isinstance(operand.type, DynamicType) and op in ("?:", ",", "(void)")
        ):
            raise CompileError("D_OP_DYN", f"operator {op} cannot be applied to a dynamic type", operand.span)


def refuse_functions(op: str, *operands: typed.Expr) -> None:
    """Raise D_OP_ARRFUN for a function as an operand."""
    for operand in operands:
        if isinstance(operand.type, FunctionType):
            raise CompileError("D_OP_ARRFUN", f"operator {op} may not be applied to a function", operand.span)


def incompatible(op: str, left: Type, right: Type, span: Span) -> CompileError:
    """D_OP_INCOMPAT."""
    return CompileError("D_OP_INCOMPAT", f'operands have incompatible types: "{left}" {op} "{right}"', span)


def unfit(op: str, left: Type, right: Type, span: Span) -> CompileError:
    """The error for operands that are not both integers: of an operator, or of one that assigns (13.2, O26, S7)."""
    if isinstance(left, VoidType | DynamicType) or isinstance(right, VoidType | DynamicType) or op in ("+=", "-="):
        return incompatible(op, left, right, span)
    if op.removesuffix("=") in ("+", "-", "*", "/"):
        return CompileError("D_OP_ARITH", f"operator {op} requires operands of arithmetic type", span)
    return CompileError("D_OP_INT", f"operator {op} requires operands of integral type", span)


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
