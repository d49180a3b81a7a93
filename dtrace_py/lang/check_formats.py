"""Whether the arguments of printf() and the aggregations of printa() fit their format (contract 6.6, 13.7)."""

from __future__ import annotations

from dtrace_py.lang import typed
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.formats import INTEGERS, Conversion, Format
from dtrace_py.lang.program import Aggregation
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.types import INT64, UINT64, IntType, PointerType, StackType, StringType, SymbolType, Type

_EXPECTED = {
    **dict.fromkeys(INTEGERS, "integer type"),
    **dict.fromkeys("cC", "char, short or int"),
    **dict.fromkeys("sS", "char [] or string (or use stringof)"),
    **dict.fromkeys("pa", "pointer or integer"),
    **dict.fromkeys("YT", "64-bit integer"),
    "k": "stack",
}
_SIZES = {"h": 2, "l": 8, "ll": 8}
_OTHERS = {"l": ("long long", "unsigned long long"), "ll": ("long", "unsigned long")}
"""Types of the right size that a size prefix does not fit all the same (PF12)."""


def check_printf(fmt: Format, arguments: tuple[typed.Expr, ...], span: Span) -> tuple[typed.Expr, ...]:
    """The arguments, if they fit; raises the D_PRINTF_* errors otherwise."""
    kinds = [argument.type for argument in arguments]
    used = _check("printf( )", fmt, kinds, (), span)
    if used < len(arguments):
        text = f"printf( ) prototype mismatch: only {used} arguments required by this format string"
        raise CompileError("D_PRINTF_ARG_EXTRA", text, span)
    return arguments


def check_printa(fmt: Format, aggregations: tuple[Aggregation, ...], span: Span) -> None:
    """Raise the D_PRINTF_* errors of a printa() format; unused keys are allowed (G71)."""
    _check("printa( )", fmt, list(aggregations[0].keys), aggregations, span)


def _check(name: str, fmt: Format, kinds: list[Type], aggregations: tuple[Aggregation, ...], span: Span) -> int:
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
        if conversion.letter == "k" and not aggregations:
            raise CompileError(
                "D_PRINTF_ARG_TYPE", f"{name} conversion #{number} (%k) is only valid in printa( )", span
            )
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
    text = (
        f"{name} argument #{number + 1} is incompatible with conversion #{number} prototype:\n"
        f"\tconversion: %{conversion.size}{conversion.letter}\n"
        f"\t prototype: {_EXPECTED[conversion.letter]}\n\t  argument: {kind}"
    )
    raise CompileError("D_PRINTF_ARG_TYPE", text, span)


def _fits(conversion: Conversion, kind: Type) -> bool:
    letter = conversion.letter
    size = conversion.size
    if size and isinstance(kind, IntType) and (kind.size != _SIZES[size] or kind.name in _OTHERS.get(size, ())):
        return False
    if letter in INTEGERS:
        return isinstance(kind, IntType)
    if letter in "cC":
        return isinstance(kind, IntType) and kind.size <= 4
    if letter in "sS":
        return isinstance(kind, StringType)
    if letter == "p":
        return isinstance(kind, IntType | PointerType)
    if letter == "a":
        return isinstance(kind, IntType | PointerType | SymbolType)
    if letter == "k":
        return isinstance(kind, StackType)
    return isinstance(kind, IntType) and kind.size == 8
