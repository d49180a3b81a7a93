"""What a name in an expression stands for: variables, built-ins, inlines, kernel symbols (contract 2.5, 3.3, 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dtrace_py.lang import typed
from dtrace_py.lang.check.conversions import as_declared
from dtrace_py.lang.check.errors import undefined
from dtrace_py.lang.check.symbols import symbol_value
from dtrace_py.lang.check.translations import builtin_translation
from dtrace_py.lang.definitions import Inline
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.program import Variable
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.stability import STABLE
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import ARRAYS, BUILTINS, CONSTANTS
from dtrace_py.lang.types import INT, LONG, UINT

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


def named(check: ExpressionChecker, node: ast.Name) -> typed.Expr:
    """What a plain name stands for, looked for from the innermost to the outermost."""
    name, scope = node.name, check.scope
    if "`" in name:
        return symbol_value(check, node)
    if name in check.bound:
        return check.bound[name]
    if scope.variable("global", name):
        return variable_value(check, node, "global", name)
    if name in CONSTANTS:
        return typed.Const(LONG if name == "NULL" else INT, node.span, CONSTANTS[name])
    if scope.has(BUILTINS, name):
        return _builtin(check, node)
    if any(scope.has(table, name) for table in (ACTIONS, SUBROUTINES, AGGREGATING)):
        raise CompileError("D_IDENT_BADREF", f"function '{name}' may not be referenced as a variable", node.span)
    if inline := scope.inline(name):
        return _inline(check, inline, node)
    if (constant := scope.enumerator(name)) is not None:
        value, kind = constant
        return typed.Const(LONG if kind.size == 8 else INT if kind.signed else UINT, node.span, value)
    raise undefined(check.scope, "global", name, node.span)


def _builtin(check: ExpressionChecker, node: ast.Name) -> typed.Expr:
    builtin = BUILTINS[node.name]
    check.note(node.name, builtin.stability, node.span)
    if node.name in ARRAYS:
        raise CompileError("D_IDENT_BADREF", f"array '{node.name}' may not be referenced as a scalar", node.span)
    check.scope.builtins.add(node.name)
    return builtin_translation(check, builtin, node.span) or typed.Read(
        check.scope.builtin(builtin.type), node.span, builtin
    )


def _inline(check: ExpressionChecker, inline: Inline, node: ast.Name) -> typed.Expr:
    check.note(inline.name, check.scope.attributes.get(inline.name, STABLE), node.span)
    if inline.parameters is not None:
        raise CompileError("D_IDENT_BADREF", f"array '{inline.name}' may not be referenced as a scalar", node.span)
    return as_declared(check.expansion({}, inline.value, inline.source, node.span), inline.type, node.span)


def variable_value(check: ExpressionChecker, node: ast.Name | ast.Scoped, scope: str, name: str) -> typed.Value:
    """The value of a scalar variable."""
    variable = check.scope.variable(scope, name)
    if variable is None:
        raise undefined(check.scope, scope, name, node.span)
    if variable.keys is not None:
        raise CompileError("D_IDENT_BADREF", f"array '{variable}' may not be referenced as a scalar", node.span)
    check.note(str(variable), check.scope.attributes.get(str(variable), STABLE), node.span)
    return typed.Value(variable.type, node.span, variable)


def array_named(check: ExpressionChecker, base: ast.Expr) -> Variable | None:
    """The associative array that a node names, if it does."""
    if not isinstance(base, ast.Name | ast.Scoped):
        return None
    variable = check.scope.variable(*scoped_name(base))
    return variable if variable and variable.keys is not None else None


def is_new(check: ExpressionChecker, base: ast.Expr) -> bool:
    """Whether a node is the name of a variable that does not exist yet, but may."""
    if isinstance(base, ast.Scoped):
        return check.scope.variable(base.scope, base.name) is None
    if not isinstance(base, ast.Name) or "`" in base.name or base.name in check.bound:
        return False
    return check.scope.may_declare(base.name) and check.scope.variable("global", base.name) is None


def scoped_name(node: ast.Name | ast.Scoped) -> tuple[str, str]:
    """Where a variable lives, and its name."""
    return ("global", node.name) if isinstance(node, ast.Name) else (node.scope, node.name)


def names_assigned(node: ast.Statement) -> Iterator[tuple[str, str]]:
    """The variables and aggregations that a statement would have made, had it been right."""
    match node:
        case ast.Assign(target=target):
            if isinstance(target, ast.Index):
                target = target.base
            if isinstance(target, ast.Name | ast.Scoped):
                yield scoped_name(target)
            elif isinstance(target, ast.Aggregation):
                yield "@", target.name
            yield from names_assigned(node.value)
        case ast.Comma(left=left, right=right):
            yield from names_assigned(left)
            yield from names_assigned(right)
        case ast.If(yes=yes, no=no):
            for each in (*yes, *no):
                yield from names_assigned(each)
