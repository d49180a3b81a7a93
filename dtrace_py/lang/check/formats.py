"""Whether the arguments of printf() and the aggregations of printa() fit their format (contract 6.6, 13.7)."""

from __future__ import annotations

from dtrace_py.lang import typed
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.formats import FLOATS, INTEGERS, Conversion, Format
from dtrace_py.lang.program import Aggregation
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.types import (
    INT64,
    UINT64,
    ArrayType,
    FloatType,
    IntType,
    PointerType,
    StackType,
    StringType,
    SymbolType,
    Type,
    is_string_like,
)

_EXPECTED = {
    **dict.fromkeys(INTEGERS, "integer type"),
    **dict.fromkeys(FLOATS, "float, double or long double"),
    **dict.fromkeys("cC", "char, short or int"),
    **dict.fromkeys("sS", "char [] or string (or use stringof)"),
    **dict.fromkeys("pa", "pointer or integer"),
    **dict.fromkeys("YT", "64-bit integer"),
    **dict.fromkeys(("wc", "lc"), "int"),
    **dict.fromkeys(("ws", "ls"), "array of 32-bit integers"),
    "A": "usym, ufunc, umod or uaddr",
    "I": "char [] or string (or use stringof)",
    "P": "uint16_t",
    "k": "stack",
}
"""By the letter, with its size prefix where that makes another conversion of it."""

_PREFIXED = {
    "h": {"short", "unsigned short"},
    "l": {"long", "unsigned long"},
    "ll": {"long long", "unsigned long long", "int64_t", "uint64_t"},
}
"""The types that a size prefix fits, typedefs of them included (PF12)."""

_KERNEL_SYMBOLS = ("sym", "func", "mod")


def check_printf(name: str, fmt: Format, arguments: tuple[typed.Expr, ...], span: Span, targeted: bool) -> None:
    """Raise the D_PRINTF_* errors of printf(), or of another action with a format. ``targeted``: see Limits."""
    kinds = [argument.type for argument in arguments]
    used = _check(f"{name}( )", fmt, kinds, (), span, targeted)
    if used < len(arguments):
        text = f"{name}( ) prototype mismatch: only {used} arguments required by this format string"
        raise CompileError("D_PRINTF_ARG_EXTRA", text, span)


def check_printa(fmt: Format, aggregations: tuple[Aggregation, ...], span: Span, targeted: bool) -> None:
    """Raise the D_PRINTF_* errors of a printa() format; unused keys are allowed (G71)."""
    _check("printa( )", fmt, list(aggregations[0].keys), aggregations, span, targeted)


def _check(
    name: str, fmt: Format, kinds: list[Type], aggregations: tuple[Aggregation, ...], span: Span, targeted: bool
) -> int:
    """Walk the conversions over the arguments; returns how many of them are used."""
    used = values = 0
    for number, conversion in enumerate(fmt.conversions, start=1):
        for _ in range(conversion.stars):
            _check_star(name, number, kinds, used, span)
            used += 1
        if conversion.of_value:
            if not aggregations:
                text = f"{name} conversion #{number} (%@{conversion.letter}) is only valid in printa( )"
                raise CompileError("D_PRINTF_AGG_CONV", text, span)
            aggregation = aggregations[min(values, len(aggregations) - 1)]
            values += 1
            if not AGGREGATING[aggregation.function].distribution:
                kind = INT64 if AGGREGATING[aggregation.function].signed else UINT64
                _check_type(name, number, conversion, kind, span)
            continue
        if used >= len(kinds):
            text = f"{name} prototype mismatch: conversion #{number} (%{conversion.letter}) is missing a corresponding "
            raise CompileError("D_PRINTF_ARG_PROTO", text + "value argument", span)
        if not (targeted and conversion.letter == "A" and isinstance(kinds[used], IntType | PointerType)):
            _check_type(name, number, conversion, kinds[used], span)
        used += 1
    return used


def _check_star(name: str, number: int, kinds: list[Type], used: int, span: Span) -> None:
    if used >= len(kinds):
        text = f"{name} conversion #{number} is missing a width or precision argument"
        raise CompileError("D_PRINTF_DYN_PROTO", text, span)
    if not isinstance(kinds[used], IntType):
        text = f"{name} conversion #{number} width or precision is not of integer type"
        raise CompileError("D_PRINTF_DYN_TYPE", text, span)


def _check_type(name: str, number: int, conversion: Conversion, kind: Type, span: Span) -> None:
    if _fits(conversion, kind):
        return
    spelled = conversion.size + conversion.letter
    text = (
        f"{name} argument #{number + 1} is incompatible with conversion #{number} prototype:\n"
        f"\tconversion: %{spelled}\n"
        f"\t prototype: {_EXPECTED.get(spelled) or _EXPECTED[conversion.letter]}\n\t  argument: {kind}"
    )
    raise CompileError("D_PRINTF_ARG_TYPE", text, span)


def _is_of(kind: IntType, size: str) -> bool:
    return not _PREFIXED[size].isdisjoint((kind.name, *kind.chain))


def _fits(conversion: Conversion, kind: Type) -> bool:
    """Whether a conversion takes values of a type (PF20 to PF37)."""
    size, letter = conversion.size, conversion.letter
    match letter, kind:
        case _, IntType() if letter in INTEGERS:
            return size == "" or _is_of(kind, size)
        case _, FloatType() if letter in FLOATS:
            return (kind.size == 16) == (size == "L")
        case (("c" | "C"), IntType()):
            return kind.size == 4 if size else kind.size <= 4
        case (("s" | "S"), ArrayType(element=IntType(size=4))) if size:
            return True
        case (("s" | "S" | "I"), (StringType() | ArrayType())):
            return size == "" and is_string_like(kind)
        case (("p" | "a"), (IntType() | PointerType())):
            return True
        case "a", SymbolType():
            return kind.what in _KERNEL_SYMBOLS
        case "A", SymbolType():
            return kind.what not in _KERNEL_SYMBOLS
        case "k", StackType():
            return True
        case (("Y" | "T"), IntType()):
            return kind.size == 8
        case "P", IntType():
            return kind.size == 2 and not kind.signed
    return False
