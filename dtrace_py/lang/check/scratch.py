"""Which pointers lead to memory of the clause's own, from alloca() or copyin(): that may be written (contract V11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.lang import typed
from dtrace_py.lang.check.conversions import is_zero
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.program import Variable
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.subroutines import SCRATCH
from dtrace_py.lang.types import PointerType

if TYPE_CHECKING:
    from dtrace_py.lang.check.expressions import ExpressionChecker


def is_scratch(check: ExpressionChecker, value: typed.Expr) -> bool:
    """Whether an address is one in memory of the clause's own."""
    match value:
        case typed.Call(subroutine=subroutine):
            return subroutine.name in SCRATCH
        case typed.Value(variable=variable):
            return check.scope.scratch.get((variable.scope, variable.name), False)
        case typed.Convert(operand=operand) | typed.Assign(value=operand) | typed.Comma(right=operand):
            return is_scratch(check, operand)
        case typed.Arithmetic(left=left, right=right):
            return is_scratch(check, left) or is_scratch(check, right)
        case typed.Conditional(yes=yes, no=no):
            return is_scratch(check, yes) or is_scratch(check, no)
        case typed.Update(target=target):
            return is_scratch(check, target)
    return False


def may_be_written(check: ExpressionChecker, address: typed.Expr) -> bool:
    """Whether a store there is allowed: in such memory, or where a pointer kept in it leads. The store itself looks (F1)."""
    match address:
        case typed.Load(address=kept):
            return may_be_written(check, kept)
        case typed.Convert(operand=operand):
            return may_be_written(check, operand)
        case typed.Arithmetic(left=left, right=right):
            return may_be_written(check, left) or may_be_written(check, right)
    return is_scratch(check, address)


def note_pointer(check: ExpressionChecker, variable: Variable, value: typed.Expr, span: Span) -> None:
    """A variable gets a pointer: of the same kind as before, or D_ALLOCA_INCOMPAT."""
    if not isinstance(variable.type, PointerType) or is_zero(value):
        return
    own = is_scratch(check, value)
    if check.scope.scratch.setdefault((variable.scope, variable.name), own) != own:
        text = f"{variable} cannot hold both alloca( )ed and other pointers"
        raise CompileError("D_ALLOCA_INCOMPAT", text, span)


def check_arms(check: ExpressionChecker, yes: typed.Expr, no: typed.Expr, span: Span) -> None:
    """Both arms of ``?:`` must be pointers of one kind, or D_ALLOCA_INCOMPAT."""
    if is_zero(yes) or is_zero(no):
        return
    if is_scratch(check, yes) != is_scratch(check, no):
        text = "the branches of ?: cannot be both alloca( )ed and other pointers"
        raise CompileError("D_ALLOCA_INCOMPAT", text, span)
