"""Assignments and steps, and the variables that they make (contract V7, V8, V10, V11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import ast, typed
from dtrace_py.lang.check_arithmetic import update
from dtrace_py.lang.check_conversions import convert, is_zero
from dtrace_py.lang.check_errors import incompatible
from dtrace_py.lang.check_memory import key_type
from dtrace_py.lang.check_names import is_new, scoped_name
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.program import Variable
from dtrace_py.lang.tables.variables import BUILTINS, CONSTANTS
from dtrace_py.lang.types import (
    INT64,
    ArrayType,
    DynamicType,
    StructType,
    VoidType,
    compatible,
    is_scalar,
    is_string_like,
)

if TYPE_CHECKING:
    from dtrace_py.lang.check_expressions import ExpressionChecker


def assign(check: ExpressionChecker, node: ast.Assign) -> typed.Expr:
    if isinstance(node.target, ast.Aggregation):
        raise CompileError("D_OP_DYN", "an aggregation may only be assigned as a statement", node.span)
    if node.op is not None:
        target = writable(check, node.target, node.op + "=")
        return update(check, node.op, target, check.value(node.value), node.span)
    value = right_side(check, node.value)
    target = target_or_new(check, node.target, value)
    kind = target.type
    if not (compatible(kind, value.type) or (is_zero(value) and not isinstance(kind, StructType))):
        raise incompatible("=", kind, value.type, node.span)
    return typed.Assign(kind, node.span, target, convert(value, kind))


def right_side(check: ExpressionChecker, node: ast.Expr) -> typed.Expr:
    value = check.check(node)
    if isinstance(value.type, ArrayType) and not is_string_like(value.type):
        raise CompileError("D_OP_ARRFUN", "operator = may not be applied to an array", node.span)
    if isinstance(value.type, StructType):
        raise not_built("a variable of structure type", node.span)
    if isinstance(value.type, VoidType | DynamicType):
        raise CompileError("D_OP_INCOMPAT", f'expression of type "{value.type}" cannot be assigned', node.span)
    return value


def target_or_new(check: ExpressionChecker, node: ast.Expr, value: typed.Expr) -> typed.Value:
    """The variable an assignment names; a new name gets the type of the value (V7)."""
    if isinstance(node, ast.Name | ast.Scoped) and is_new(check, node):
        if isinstance(value.type, ArrayType):
            raise CompileError("D_OP_ARRFUN", "operator = may not be applied to an array", node.span)
        scope, name = scoped_name(node)
        variable = check.scope.define(Variable(scope, name, value.type))
        return typed.Value(value.type, node.span, variable)
    if isinstance(node, ast.Index) and is_new(check, node.base):
        assert isinstance(node.base, ast.Name | ast.Scoped)
        return new_array(check, node, node.base, value)
    return writable(check, node, "=")


def new_array(check: ExpressionChecker, node: ast.Index, base: ast.Name | ast.Scoped, value: typed.Expr) -> typed.Value:
    scope, name = scoped_name(base)
    if scope == "this":
        raise CompileError("D_ARR_LOCAL", f"this->{name} may not be used as an associative array", node.span)
    keys = tuple(check.value(key) for key in node.keys)
    what = "associative array"
    kinds = tuple(key_type(key, name, number, what) for number, key in enumerate(keys, start=1))
    variable = check.scope.define(Variable(scope, name, value.type, kinds))
    return typed.Value(value.type, node.span, variable, tuple(map(convert, keys, kinds)))


def writable(check: ExpressionChecker, node: ast.Expr, op: str) -> typed.Value:
    """The variable that an assignment or a step changes; it must exist and be writable (V11)."""
    if isinstance(node, ast.Name) and check.scope.variable("global", node.name) is None:
        if node.name in BUILTINS or "`" in node.name:
            raise CompileError("D_OP_WRITE", f"operator {op} can only be applied to a writable variable", node.span)
        if node.name in CONSTANTS:
            raise CompileError("D_OP_LVAL", f"operator {op} requires modifiable lvalue as an operand", node.span)
        if check.scope.may_declare(node.name):
            raise CompileError("D_VAR_UNDEF", f"{node.name} has not yet been declared or assigned", node.span)
    target = check.check(node)
    if isinstance(target, typed.Value) and isinstance(node, ast.Name | ast.Scoped | ast.Index):
        return target
    if isinstance(target, typed.Load):
        raise CompileError("D_OP_WRITE", f"operator {op} can only be applied to a writable variable", node.span)
    raise CompileError("D_OP_LVAL", f"operator {op} requires modifiable lvalue as an operand", node.span)


def step(check: ExpressionChecker, node: ast.Step) -> typed.Expr:
    if isinstance(node.operand, ast.Name | ast.Scoped) and is_new(check, node.operand):
        check.scope.define(Variable(*scoped_name(node.operand), INT64))
    elif isinstance(node.operand, ast.Index) and is_new(check, node.operand.base):
        assert isinstance(node.operand.base, ast.Name | ast.Scoped)
        new_array(check, node.operand, node.operand.base, typed.Const(INT64, node.span, 0))
    op = "++" if node.delta > 0 else "--"
    target = writable(check, node.operand, op)
    if not is_scalar(target.type):
        raise CompileError("D_OP_SCALAR", f"operator {op} requires operand of scalar type", node.span)
    one = typed.Const(INT64, node.span, 1)
    return update(check, "+" if node.delta > 0 else "-", target, one, node.span, node.postfix)
