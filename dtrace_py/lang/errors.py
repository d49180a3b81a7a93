"""What is wrong with a D program: errors with their tags and places (contract sections 13 and 14.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dtrace_py.lang.source import Source, Span

Hint = Callable[[], str | None]
"""Finds a sentence that may help; asked only when the error is shown, for it may have to search long lists."""


class CompileError(Exception):
    """One error. ``region`` names the part of a clause that was being checked, for N2; ``source`` is the text that the span
    is in where that is not the program's own, as in a library."""

    def __init__(self, tag: str, message: str, span: Span | None = None, hint: Hint | None = None) -> None:
        super().__init__(message)
        self.tag = tag
        self.message = message
        self.span = span
        self.hint = hint
        self.region: str | None = None
        self.source: Source | None = None


class Consequence(CompileError):
    """An error that would not be there but for an earlier one, and that need not be shown besides it."""


class CompileErrors(Exception):
    """All errors of a program; the first is the one that DTrace stops at (N4)."""

    def __init__(self, errors: Sequence[CompileError]) -> None:
        super().__init__(errors[0].message)
        self.errors = tuple(errors)


def not_built(what: str, span: Span | None = None) -> CompileError:
    """The error for a part of D that this version of dtpy cannot run."""
    return CompileError("D_UNKNOWN", f"{what} is not implemented (yet)", span)
