"""After errors of syntax: which of the other errors would not be there but for what could not be read."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dtrace_py.lang.errors import CompileError, Consequence
from dtrace_py.lang.grammar.lexer import COMMENT, KEYWORDS
from dtrace_py.lang.grammar.tree import Clause, Program
from dtrace_py.lang.tables.own import OWN

if TYPE_CHECKING:
    from dtrace_py.lang.grammar.ast import Outer

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_COMMENT = re.compile(rf"{COMMENT}|/\*.*", re.DOTALL)
"""One that does not end takes all the rest, so that its end is looked for only once."""


class Unread:
    """The names in the parts of a text that no item of its tree stands for: any of these may have been defined there."""

    def __init__(self, text: str, parsed: Program) -> None:
        self.text = text
        self.items = parsed.items
        self._starts = [item.span.start for item in parsed.items]
        self.names = set(_WORD.findall(" ".join(self._gaps()))).difference(KEYWORDS, OWN)

    def _gaps(self) -> Iterator[str]:
        at = 0
        for item in self.items:
            yield _COMMENT.sub(" ", self.text[at : item.span.start])
            at = item.span.end
        yield _COMMENT.sub(" ", self.text[at:])

    def sorted(self, errors: Iterable[CompileError], syntax: Iterable[CompileError]) -> list[CompileError]:
        """The errors of syntax and of declarations in order of place, then those of clauses; without what follows from the
        former."""
        outside = list(syntax)
        inside: list[CompileError] = []
        for error in errors:
            item = self._item(error)
            in_clause = isinstance(item, Clause)
            span = error.span if in_clause or item is None else item.span  # all of a declaration depends on all of it
            words = _WORD.findall(self.text[span.start : span.end]) if span and error.source is None else []
            if self.names.isdisjoint(words) and not isinstance(error, Consequence):
                (inside if in_clause else outside).append(error)
        return sorted(outside, key=lambda error: error.span.start if error.span else 0) + inside

    def _item(self, error: CompileError) -> Clause | Outer | None:
        """The clause or declaration that an error is in."""
        place = bisect_right(self._starts, error.span.start) - 1 if error.span and error.source is None else -1
        return self.items[place] if place >= 0 else None
