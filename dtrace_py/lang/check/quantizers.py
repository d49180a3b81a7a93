"""The constants of lquantize() and llquantize() (contract G16 to G19, 13.10)."""

from __future__ import annotations

from dtrace_py.lang import typed
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.program import Linear, LogLinear
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import IntType

_MOST_16 = (1 << 16) - 1
_MOST_64 = (1 << 64) - 1


def parameters(function: str, arguments: tuple[typed.Expr, ...], span: Span) -> Linear | LogLinear | None:
    """The checked constants of a call; None for functions that have none."""
    if function == "lquantize":
        return _linear(arguments, span)
    if function == "llquantize":
        return _loglinear(arguments, span)
    return None


def require_same(known: Linear | LogLinear | None, given: Linear | LogLinear | None, span: Span) -> None:
    """Raise the D_*QUANT_MATCH* error if the constants of an aggregation differ from its earlier use (G2)."""
    for part, tag, what in _MATCHED[type(given)] if given else ():
        if known and getattr(known, part) != getattr(given, part):
            name = "lquantize" if isinstance(given, Linear) else "llquantize"
            raise CompileError(tag, f"{name}( ) {what} differs from its earlier use", span)


_MATCHED = {
    Linear: (
        ("base", "D_LQUANT_MATCHBASE", "base"),
        ("step", "D_LQUANT_MATCHSTEP", "step"),
        ("levels", "D_LQUANT_MATCHLIM", "limit"),
    ),
    LogLinear: (
        ("factor", "D_LLQUANT_FACTORMATCH", "factor"),
        ("low", "D_LLQUANT_LOWMATCH", "low magnitude"),
        ("high", "D_LLQUANT_HIGHMATCH", "high magnitude"),
        ("steps", "D_LLQUANT_NSTEPMATCH", "number of steps"),
    ),
}


def _constant(value: typed.Expr, tag: str, function: str, what: str) -> int:
    if not isinstance(value, typed.Const) or not isinstance(value.type, IntType):
        raise CompileError(tag, f"{function}( ) {what} must be an integer constant", value.span)
    return value.value


def _linear(arguments: tuple[typed.Expr, ...], span: Span) -> Linear:
    def fail(tag: str, text: str) -> CompileError:
        return CompileError(f"D_LQUANT_{tag}", f"lquantize( ) {text}", span)

    base = _constant(arguments[1], "D_LQUANT_BASETYPE", "lquantize", "argument #2 (base)")
    limit = _constant(arguments[2], "D_LQUANT_LIMTYPE", "lquantize", "argument #3 (limit)")
    step = 1
    if len(arguments) > 3:
        step = _constant(arguments[3], "D_LQUANT_STEPTYPE", "lquantize", "argument #4 (step)")
    if not -(1 << 31) <= base < 1 << 31:
        raise fail("BASEVAL", "base must be a 32-bit quantity")
    if not -(1 << 31) <= limit < 1 << 31:
        raise fail("LIMVAL", "limit must be a 32-bit quantity")
    if step <= 0:
        raise fail("STEPTYPE", "step must be a non-zero positive constant")
    if step > _MOST_16:
        raise fail("STEPVAL", "step must be a 16-bit quantity")
    if base >= limit:
        raise fail("MISMATCH", "base must be less than its limit")
    levels = (limit - base) // step
    if levels < 1:
        raise fail("STEPLARGE", "step leaves no level between base and limit")
    if levels > _MOST_16:
        raise fail("STEPSMALL", "step leaves more than 65535 levels")
    return Linear(base, step, levels)


def _loglinear(arguments: tuple[typed.Expr, ...], span: Span) -> LogLinear:
    """The rules of the classic lineage (G18)."""

    def fail(tag: str, text: str) -> CompileError:
        return CompileError(f"D_LLQUANT_{tag}", f"llquantize( ) {text}", span)

    values = []
    for number, (tag, what) in enumerate(_LOGLINEAR, start=2):
        value = _constant(arguments[number - 1], f"D_LLQUANT_{tag}TYPE", "llquantize", f"argument #{number} ({what})")
        if not 0 <= value <= _MOST_16:
            raise fail(f"{tag}VAL", f"argument #{number} ({what}) must be an unsigned 16-bit quantity")
        values.append(value)
    factor, low, high, steps = values
    if factor < 2:
        raise fail("FACTORSMALL", "factor must be two or more")
    if low >= high:
        raise fail("MAGRANGE", "high magnitude must be greater than the low magnitude")
    if high + 1 > 64 or factor ** (high + 1) > _MOST_64:
        raise fail("MAGTOOBIG", f"factor ({factor}) raised to one more than the high magnitude is over 64 bits")
    if steps < factor:
        raise fail("FACTORNSTEPS", "number of steps must not be less than the factor")
    if steps % factor or not _divides_power(steps, factor):
        raise fail("FACTOREVEN", "number of steps must be a multiple of the factor and divide a power of it")
    return LogLinear(factor, low, high, steps)


_LOGLINEAR = (
    ("FACTOR", "factor"),
    ("LOW", "low magnitude"),
    ("HIGH", "high magnitude"),
    ("NSTEP", "number of steps"),
)


def _divides_power(steps: int, factor: int) -> bool:
    """Whether some power of the factor is a multiple of the number of steps."""
    return pow(factor, 64, steps) == 0
