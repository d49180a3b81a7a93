"""Assignments and steps, and the variables that they make (contract V7, V8, V10, V11, O23)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import typed
from dtrace_py.lang.check.arithmetic import Target, update
from dtrace_py.lang.check.conversions import convert, fits, is_zero
from dtrace_py.lang.check.errors import incompatible, undefined
from dtrace_py.lang.check.memory import key_type, require_complete
from dtrace_py.lang.check.names import is_new, scoped_name
from dtrace_py.lang.check.scratch import may_be_written, note_pointer
from dtrace_py.lang.check.translations import built
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.program import Variable
from dtrace_py.lang.tables.variables import BUILTINS, CONSTANTS
from dtrace_py.lang.types import (
    INT64,
    ArrayType,
    DynamicType,
    FunctionType,
    Type,
    VoidType,
    is_scalar,
    is_string_like,
)

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


def assign(check: ExpressionChecker, node: ast.Assign) -> typed.Expr:
    """``target = value`` and ``target op= value``."""
    if isinstance(node.target, ast.Aggregation):
        raise CompileError("D_OP_DYN", "an aggregation may only be assigned as a statement", node.span)
    if node.op is not None:
        target = _writable(check, node.target, node.op + "=")
        return update(check, node.op, target, check.value(node.value), node.span)
    value = check.check(node.value)
    require_complete(check, value.type, "=", node.span)
    kind = _assigned_type(value)
    target = _target_or_new(check, node.target, kind)
    if isinstance(target.type, ArrayType | FunctionType):
        raise CompileError("D_OP_ARRFUN", "operator = may not be applied to an array or function", node.span)
    if isinstance(value, typed.Translated):
        value = built(check, value)
    if not fits(target.type, value) and not (is_zero(value) and _can_be_freed(target)):
        raise incompatible("=", target.type, value.type, node.span)
    if isinstance(target, typed.Value):
        note_pointer(check, target.variable, value, node.span)
        return typed.Assign(target.type, node.span, target, convert(value, target.type))
    return typed.Store(target.type, node.span, target, None, convert(value, target.type))


def _can_be_freed(target: Target) -> bool:
    """Whether a stored 0 makes room again, whatever the type (V5)."""
    return isinstance(target, typed.Value) and target.variable.dynamic


def _assigned_type(value: typed.Expr) -> Type:
    """The type that a variable gets from the value (V7); raises CompileError for what cannot be assigned."""
    if isinstance(value.type, FunctionType) or (isinstance(value.type, ArrayType) and not is_string_like(value.type)):
        raise CompileError("D_OP_ARRFUN", "operator = may not be applied to an array or function", value.span)
    if isinstance(value, typed.Translated) and not value.pointer:
        return value.translator.output  # stored whole (T12)
    if isinstance(value.type, VoidType | DynamicType):
        text = f'expression of type "{value.type}" cannot be assigned'
        raise CompileError("D_OP_INCOMPAT", text, value.span)
    return value.type


def _target_or_new(check: ExpressionChecker, node: ast.Expr, kind: Type) -> Target:
    """What an assignment names; a new name gets the type of the value (V7)."""
    if isinstance(node, ast.Name | ast.Scoped) and is_new(check, node):
        if isinstance(kind, ArrayType):
            raise CompileError("D_OP_ARRFUN", "operator = may not be applied to an array or function", node.span)
        scope, name = scoped_name(node)
        return typed.Value(kind, node.span, check.scope.define(Variable(scope, name, kind)))
    if isinstance(node, ast.Index) and is_new(check, node.base):
        assert isinstance(node.base, ast.Name | ast.Scoped)
        return _new_array(check, node, node.base, kind)
    return _writable(check, node, "=")


def _new_array(check: ExpressionChecker, node: ast.Index, base: ast.Name | ast.Scoped, kind: Type) -> typed.Value:
    scope, name = scoped_name(base)
    if scope == "this":
        raise CompileError("D_ARR_LOCAL", f"this->{name} may not be used as an associative array", node.span)
    keys = tuple(check.value(key) for key in node.keys)
    kinds = tuple(key_type(key, number, "associative array") for number, key in enumerate(keys, start=1))
    variable = check.scope.define(Variable(scope, name, kind, kinds))
    return typed.Value(kind, node.span, variable, tuple(map(convert, keys, kinds)))


def _writable(check: ExpressionChecker, node: ast.Expr, op: str) -> Target:
    """What an assignment or a step changes; it must exist and be writable (V11)."""
    read_only = f"operator {op} can only be applied to a writable variable"
    no_lvalue = f"operator {op} requires modifiable lvalue as an operand"
    if isinstance(node, ast.Name) and check.scope.variable("global", node.name) is None:
        if node.name in check.bound or node.name in CONSTANTS or check.scope.inline(node.name):
            raise CompileError("D_OP_LVAL", no_lvalue, node.span)
        if check.scope.has(BUILTINS, node.name):
            raise CompileError("D_OP_WRITE", read_only, node.span)
        if is_new(check, node):
            raise undefined(check.scope, "global", node.name, node.span, array=True)
    target = check.check(node)
    match target:
        case typed.Value() if isinstance(node, ast.Name | ast.Scoped | ast.Index):
            return target
        case typed.Part() if isinstance(target.base, typed.Value):
            return target
        case typed.Load() if may_be_written(check, target.address):
            return target
        case typed.Load() | typed.Argument() | typed.Element():
            raise CompileError("D_OP_WRITE", read_only, node.span)
    raise CompileError("D_OP_LVAL", no_lvalue, node.span)


def step(check: ExpressionChecker, node: ast.Step) -> typed.Expr:
    """``++x``, ``x++``, ``--x``, ``x--``: a new name becomes an int64_t (V7)."""
    if isinstance(node.operand, ast.Name | ast.Scoped) and is_new(check, node.operand):
        check.scope.define(Variable(*scoped_name(node.operand), INT64))
    elif isinstance(node.operand, ast.Index) and is_new(check, node.operand.base):
        assert isinstance(node.operand.base, ast.Name | ast.Scoped)
        _new_array(check, node.operand, node.operand.base, INT64)
    op = "++" if node.delta > 0 else "--"
    target = _writable(check, node.operand, op)
    if not is_scalar(target.type):
        raise CompileError("D_OP_SCALAR", f"operator {op} requires operand of scalar type", node.span)
    one = typed.Const(INT64, node.span, 1)
    return update(check, "+" if node.delta > 0 else "-", target, one, node.span, node.postfix)
