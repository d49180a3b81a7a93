"""Room for recursive passes over deep trees: a sum of a thousand terms is a tree a thousand deep."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dtrace_py.lang.errors import CompileError

_FRAMES = 20_000
"""Python frames that a pass may use; pure Python calls take no C stack."""


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Inside, passes may recurse deeply; what is too deep even so is an error of the program."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    except RecursionError:
        raise CompileError("D_SYNTAX", "expression is nested too deeply") from None
    finally:
        sys.setrecursionlimit(before)
