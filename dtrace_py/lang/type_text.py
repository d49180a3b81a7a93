"""Types from short texts: those of our tables, and those that the kernel describes arguments of system calls with."""

from __future__ import annotations

import re

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.facts import TypeSource
from dtrace_py.lang.intrinsics import specified
from dtrace_py.lang.types import PointerType, StructType, Type

_WORD = re.compile(r"\w+|\*")


def type_from(text: str, source: TypeSource) -> Type | None:
    """The type that is written so: words and stars (``const char *const *``, ``struct stat *``); None if it is unknown.

    A structure may be unknown if there is a star behind it.
    """
    words = [word for word in _WORD.findall(text) if word not in ("const", "volatile", "__user")]
    stars = words.count("*")
    names = tuple(word for word in words if word != "*")
    kind = _base(names, source)
    if kind is None and stars and len(names) == 2 and names[0] in ("struct", "union"):
        kind = StructType(" ".join(names))
    if kind is None:
        return None
    for _ in range(stars):
        kind = PointerType(kind)
    return kind


def _base(names: tuple[str, ...], source: TypeSource) -> Type | None:
    if len(names) == 2 and names[0] in ("struct", "union", "enum"):
        return source.tagged(" ".join(names))
    if len(names) == 1 and (kind := source.typedef(names[0])) is not None:
        return kind
    try:
        return specified(names, None)
    except CompileError:
        return None
