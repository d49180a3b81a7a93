"""The types that exist without a kernel (contract 3.1), and what the words of a C type come to."""

from __future__ import annotations

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.hints import like
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import (
    CHAR,
    INT,
    LONG,
    STRING,
    UINT,
    ULONG,
    VOID,
    FloatType,
    IntType,
    Type,
    named,
)

SCHAR, UCHAR = IntType("signed char", 1, True), IntType("unsigned char", 1, False)
SHORT, USHORT = IntType("short", 2, True), IntType("unsigned short", 2, False)
LLONG, ULLONG = IntType("long long", 8, True), IntType("unsigned long long", 8, False)

_BASIC: tuple[Type, ...] = (
    *(VOID, STRING, IntType("_Bool", 1, False)),
    *(CHAR, SCHAR, UCHAR, SHORT, USHORT, INT, UINT, LONG, ULONG, LLONG, ULLONG),
    *(FloatType("float", 4), FloatType("double", 8), FloatType("long double", 16)),
    *(FloatType("float _Complex", 8), FloatType("double _Complex", 16), FloatType("long double _Complex", 32)),
)

_TYPEDEFS: dict[Type, str] = {
    SCHAR: "int8_t",
    SHORT: "int16_t",
    INT: "int32_t id_t pid_t processorid_t chipid_t lgrp_id_t psetid_t",
    LONG: "int64_t intptr_t ssize_t ptrdiff_t time_t",
    LLONG: "longlong_t",
    UCHAR: "uint8_t uchar_t",
    USHORT: "uint16_t ushort_t",
    UINT: "uint32_t uint_t uid_t gid_t dev_t",
    ULONG: "uint64_t uintptr_t size_t ulong_t",
    ULLONG: "u_longlong_t",
}
"""T6 to T10, and the types of the built-in variables (section 5)."""

INTRINSICS: dict[str, Type] = {
    **{str(kind): kind for kind in _BASIC},
    **{name: named(kind, name) for kind, names in _TYPEDEFS.items() for name in names.split()},
}

_ATTRIBUTES = ("short", "long", "signed", "unsigned")
_FLOATS = ("float", "double")


def specified(words: tuple[str, ...], span: Span | None) -> Type:
    """The type of C's words in any order (``long unsigned int``), typedefs of 3.1 among them.

    Raises CompileError: D_DECL_* for what cannot go together (13.8), D_UNKNOWN for a name that is no type here.
    """
    bases = [word for word in words if word not in _ATTRIBUTES]
    attributes = [word for word in words if word in _ATTRIBUTES]
    base = bases[0] if bases else "int"
    if len(bases) > 1 or attributes.count("signed") + attributes.count("unsigned") > 1:
        raise _combination(words, span)
    if attributes:
        _check(words, base, attributes, span)
    name = _canonical(base, attributes)
    if name not in INTRINSICS:
        raise unknown(" ".join(words), span)
    return INTRINSICS[name]


def _canonical(base: str, attributes: list[str]) -> str:
    sizes = sorted(word for word in attributes if word in ("short", "long"))
    if base == "char":
        return " ".join([*attributes, base])
    if base == "int" and sizes:
        base = " ".join(sizes)
    elif sizes:
        base = " ".join([*sizes, base])
    return f"unsigned {base}" if "unsigned" in attributes else base


def _check(words: tuple[str, ...], base: str, attributes: list[str], span: Span | None) -> None:
    """Raise the error for attributes that the base does not take."""
    sizes, signs = {"short", "long"} & set(attributes), {"signed", "unsigned"} & set(attributes)
    if base == "void":
        raise _invalid("D_DECL_VOIDATTR", "attributes may not be used with void", span)
    if base == "char" and sizes:
        raise _invalid("D_DECL_CHARATTR", "short and long may not be used with char", span)
    if base not in ("char", "int"):
        if signs:
            raise _invalid("D_DECL_SIGNINT", "signed and unsigned may only be used with integer type", span)
        if base not in _FLOATS:
            raise _invalid("D_DECL_LONGINT", f"{min(sizes)} may only be used with arithmetic type", span)
    longs = attributes.count("long")
    if len(sizes) > 1 or attributes.count("short") > 1 or longs > 2 or (base == "double" and longs > 1):
        raise _combination(words, span)
    if base in _FLOATS and "short" in sizes:
        raise _combination(words, span)


def _combination(words: tuple[str, ...], span: Span | None) -> CompileError:
    return _invalid("D_DECL_COMBO", " ".join(words), span)


def _invalid(tag: str, what: str, span: Span | None) -> CompileError:
    return CompileError(tag, f"invalid type declaration: {what}", span)


def unknown(name: str, span: Span | None) -> CompileError:
    """The error for a name that is no type: D_UNKNOWN, as a failure of the type data is (13.1)."""
    known = like(name, lambda: INTRINSICS)
    return CompileError("D_UNKNOWN", f"failed to resolve type {name}: Unknown type name", span, known)
