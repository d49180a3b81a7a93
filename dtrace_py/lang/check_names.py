"""What a name in an expression stands for: variables, built-ins, functions (contract 3.3, 5, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import ast, typed
from dtrace_py.lang.check_errors import not_in_expression, undefined
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.program import Variable
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import BUILTINS, CONSTANTS
from dtrace_py.lang.types import INT, LONG, VOID, DynamicType

if TYPE_CHECKING:
    from dtrace_py.lang.check_expressions import ExpressionChecker


def named(check: ExpressionChecker, node: ast.Name) -> typed.Expr:
    name = node.name
    if "`" in name:
        raise not_built(f"the kernel symbol {name}", node.span)
    if check.scope.variable("global", name):
        return variable_value(check, node, "global", name)
    if name in CONSTANTS:
        return typed.Const(LONG if name == "NULL" else INT, node.span, CONSTANTS[name])
    if builtin := BUILTINS.get(name):
        if not builtin.built:
            raise not_built(f"the variable {name}", node.span)
        check.stability &= builtin.stability
        check.scope.builtins.add(name)
        return typed.Read(check.scope.builtin(builtin.type), node.span, builtin)
    if name in ACTIONS or name in SUBROUTINES or name in AGGREGATING:
        raise CompileError("D_IDENT_BADREF", f"function '{name}' may not be referenced as a variable", node.span)
    raise CompileError("D_IDENT_UNDEF", f"failed to resolve {name}: Unknown variable name", node.span)


def variable_value(check: ExpressionChecker, node: ast.Name | ast.Scoped, scope: str, name: str) -> typed.Value:
    variable = check.scope.variable(scope, name)
    if variable is None:
        raise undefined(scope, name, node.span)
    if variable.keys is not None:
        raise CompileError("D_IDENT_BADREF", f"array '{variable}' may not be referenced as a scalar", node.span)
    return typed.Value(variable.type, node.span, variable)


def call(check: ExpressionChecker, node: ast.Call) -> typed.Expr:
    name = node.function.name
    if (action := ACTIONS.get(name)) and action.result != "void":
        raise not_in_expression(name, node.span)
    if action or name in AGGREGATING:
        # No value: what is wrong with that depends on where one is wanted (O26).
        nothing = typed.Const(INT, node.span, 0)
        return typed.Convert(VOID if action else DynamicType(), node.span, nothing)
    if name in SUBROUTINES:
        raise not_built(f"{name}( )", node.span)
    if name in BUILTINS or check.scope.variable("global", name):
        raise CompileError("D_FUNC_IDKIND", f"variable '{name}' may not be referenced as a function", node.span)
    raise CompileError("D_FUNC_UNDEF", f"undefined function name: {name}", node.span)


def array_named(check: ExpressionChecker, base: ast.Expr) -> Variable | None:
    """The associative array that a node names, if it does."""
    if not isinstance(base, ast.Name | ast.Scoped):
        return None
    variable = check.scope.variable(*scoped_name(base))
    return variable if variable and variable.keys is not None else None


def is_new(check: ExpressionChecker, base: ast.Expr) -> bool:
    if isinstance(base, ast.Scoped):
        return check.scope.variable(base.scope, base.name) is None
    if not isinstance(base, ast.Name) or "`" in base.name:
        return False
    return check.scope.may_declare(base.name) and check.scope.variable("global", base.name) is None


def scoped_name(node: ast.Name | ast.Scoped) -> tuple[str, str]:
    return ("global", node.name) if isinstance(node, ast.Name) else (node.scope, node.name)
