"""stack(), sym() and their kin: statements or keys of aggregations, and nothing else (contract A6 to A13, A16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import acts, typed
from dtrace_py.lang.check.calls import check_arguments, check_count, require_known
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.types import IntType, StackType, SymbolType

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker

KERNEL_SYMBOLS = frozenset({"sym", "func", "mod"})
STACKS = frozenset({"stack", "ustack", "jstack"})
RECORDED = frozenset(name for name, action in ACTIONS.items() if action.result != "void")


def recorded(check: ExpressionChecker, node: ast.Call) -> acts.RecordedKey:
    """What one of these records."""
    require_known(check, node)
    name = node.function.name
    prototype = ACTIONS[name].prototype
    check_count(prototype, len(node.arguments), node.span)
    if name == "stack":
        frames = _constant(check, node, 0, "D_STACK_SIZE", "size", check.limits.stackframes)
        return acts.StackKey(min(frames, check.limits.maxframes), StackType(), node.span)
    if name in STACKS:
        limits, user = check.limits, name == "ustack"
        default = limits.ustackframes if user else limits.jstackframes
        frames = _constant(check, node, 0, "D_USTACK_FRAMES", "frames", default)
        room = _constant(check, node, 1, "D_USTACK_STRSIZE", "string size", 0 if user else limits.jstackstrsize)
        return acts.UserStackKey(min(frames, check.limits.maxframes), room, StackType(), node.span)
    (address,) = check_arguments(check, prototype, node)
    kind = SymbolType(name.replace("func", "sym"))  # two names of one thing (A9, A11)
    if name in KERNEL_SYMBOLS:
        return acts.SymbolKey(name, address, kind, node.span)
    return acts.UserSymbolKey(name, address, kind, node.span)


def _constant(check: ExpressionChecker, node: ast.Call, place: int, tag: str, what: str, default: int) -> int:
    """An argument that must be a positive constant."""
    if len(node.arguments) <= place:
        return default
    value = check.value(node.arguments[place])
    if not (isinstance(value, typed.Const) and isinstance(value.type, IntType) and value.value > 0):
        text = f"{node.function.name}( ) {what} must be a non-zero positive constant"
        raise CompileError(tag, text, node.arguments[place].span)
    return value.value
