"""D text and places in it."""

from __future__ import annotations

import os
from enum import IntEnum
from typing import NamedTuple


def as_bytes(text: str) -> str:
    """Text of the command line with one character a byte (Latin-1), as all D text is, so that widths are byte widths."""
    return os.fsencode(text).decode("latin-1")


def as_text(characters: str) -> str:
    """The reverse, for messages."""
    return os.fsdecode(characters.encode("latin-1"))


class Field(IntEnum):
    """The fields of a probe description, left to right."""

    PROVIDER = 0
    MODULE = 1
    FUNCTION = 2
    NAME = 3


class Source(NamedTuple):
    """One piece of D: a script, or the argument of -n, -f, -m, -P or -i.

    ``context`` is the field in which a probe description without colons ends (contract P3). ``path`` is set for scripts.
    The text and the path hold one character a byte, see ``as_bytes``.
    """

    text: str
    context: Field = Field.NAME
    path: str | None = None

    @property
    def is_script(self) -> bool:
        return self.path is not None

    @property
    def title(self) -> str:
        """How messages name a command-line program: the text up to its predicate or actions (contract U51)."""
        ends = [at for at in (self.text.find(stop) for stop in "{/;") if at >= 0]
        return self.text[: min(ends, default=len(self.text))]


class Span(NamedTuple):
    """A stretch of a source: character offsets, and the line (with its file, if a #line named one) that messages show."""

    start: int
    end: int
    line: int
    file: str | None = None

    def to(self, other: Span) -> Span:
        """The stretch from the start of this one to the end of the other."""
        return Span(self.start, other.end, self.line, self.file)
