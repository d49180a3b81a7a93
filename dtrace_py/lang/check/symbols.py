"""Kernel symbols in expressions (contract 2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import typed
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.facts import Symbol
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.tables.stability import UNSTABLE
from dtrace_py.lang.types import FunctionType, PointerType, size_of

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


def symbol(check: ExpressionChecker, node: ast.Name) -> Symbol:
    """The symbol that a name with a backquote means; raises D_IDENT_UNDEF where there is none (L59)."""
    module, _, name = node.name.partition("`")
    if name.startswith("`"):  # of a user process, of which none is traced (L58)
        raise CompileError("D_IDENT_UNDEF", f"failed to resolve {node.name}: Unknown symbol name", node.span)
    found = check.scope.source.symbol(name, module)
    if found is None:
        raise CompileError("D_IDENT_UNDEF", f"failed to resolve {node.name}: Unknown symbol name", node.span)
    return found


def symbol_value(check: ExpressionChecker, node: ast.Name) -> typed.Expr:
    """What the kernel variable of that name holds."""
    found = symbol(check, node)
    check.note(node.name, UNSTABLE, node.span)
    size = found.size if isinstance(found.type, FunctionType) else size_of(found.type, check.scope.source, 0)
    pointer = PointerType(found.type)
    address = typed.SymbolAddress(pointer, node.span, node.name, size or found.size, found.address, found.per_cpu)
    return typed.Load(found.type, node.span, address)
