"""Symbols of the kernel and of a process in expressions (contract 2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import typed
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.facts import ProcessSymbol, Symbol
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.tables.stability import UNSTABLE
from dtrace_py.lang.types import UINT64, FunctionType, IntType, PointerType, size_of
from dtrace_py.lang.userland import load

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker

_NUMBERS = {size: IntType(f"uint{8 * size}_t", size, False) for size in (1, 2, 4)}
"""What a variable of so many bytes is taken for, where nothing tells its type."""


def symbol_value(check: ExpressionChecker, node: ast.Name) -> typed.Expr:
    """What the variable of that name holds."""
    check.note(node.name, UNSTABLE, node.span)
    module, _, name = node.name.partition("`")
    if name.startswith("`"):
        return _of_process(check, node, module, name[1:])
    found = check.scope.source.symbol(name, module)
    if found is None and module and check.scope.process and check.scope.process.symbol(name, module):
        raise _mixed(node, "user", "kernel")
    if found is None:
        found = Symbol(name, module, _missing(check, node, "kernel"), UINT64, 8)
    size = found.size if isinstance(found.type, FunctionType) else size_of(found.type, check.scope.source, 0)
    pointer = PointerType(found.type)
    address = typed.SymbolAddress(pointer, node.span, node.name, size or found.size, found.address, found.per_cpu)
    return typed.Load(found.type, node.span, address)


def _of_process(check: ExpressionChecker, node: ast.Name, object: str, name: str) -> typed.Expr:
    """What a variable of the process holds that -c or -p named (L58). Nothing tells types there: it is a number without a sign
    of the variable's size, or of 8 bytes where no number has that size, as for kernel symbols (L55)."""
    found = check.scope.process.symbol(name, object) if check.scope.process else None
    if found is None and object and check.scope.source.symbol(name, object):
        raise _mixed(node, "kernel", "user")
    if found is None:
        found = ProcessSymbol(object, _missing(check, node, "user"), 8, code=False, wide=True)
    if not found.wide:
        raise CompileError(
            "D_SYM_MODEL", f"cannot use 32-bit symbol {found.object}``{name} in a 64-bit D program", node.span
        )
    kind = FunctionType() if found.code else _NUMBERS.get(found.size, UINT64)
    size = found.size if found.code else size_of(kind, check.scope.source, 0) or 8
    address = typed.SymbolAddress(
        PointerType(kind, user=True), node.span, node.name, size, found.address, per_cpu=False
    )
    return load(kind, node.span, address)


def _mixed(node: ast.Name, what: str, other: str) -> CompileError:
    text = f"{node.name} is a {what} symbol, and may not be referenced as a {other} symbol"
    return CompileError("D_SYM_BADREF", text, node.span)


def _missing(check: ExpressionChecker, node: ast.Name, what: str) -> int:
    """The address of a symbol that is nowhere (L59). Options kdefs and udefs permit it, but not to run such a program."""
    scope = check.scope
    if what not in scope.undefined:
        raise CompileError("D_IDENT_UNDEF", f"failed to resolve {node.name}: Unknown symbol name", node.span)
    if scope.runs:
        raise CompileError("D_ASRELO", f"relocation remains against {what} symbol {node.name}", node.span)
    return 0
