"""How aggregations look: options agghist, aggpack, aggzoom and encoding (contract G49 to G52), and rawbytes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable

from dtrace_py.options import Options
from dtrace_py.record import record

_ZOOMED = 0.95
"""The part of the whole width that the longest bar takes when zoomed."""

_PLAIN_TERMINALS = frozenset({"sun", "sun-color", "dumb"})


@record
class Look:
    """The options, as they are at the moment."""

    hist: bool = False
    pack: bool = False
    zoom: bool = False
    encoding: str = ""
    """ascii, utf8, or nothing if it was not said."""
    raw: bool = False
    """Whether keys that are memory are always shown in hexadecimal (U26)."""

    def total(self, counts: Iterable[int]) -> float:
        """What a bar of the whole width stands for (G41, G50)."""
        sizes = map(abs, counts)
        return max(sizes, default=0) / _ZOOMED if self.zoom else math.fsum(sizes)

    @property
    def blocks(self) -> bool:
        """Whether bars are made of blocks, to an eighth (G52)."""
        return self.encoding == "utf8"

    @property
    def glyphs(self) -> bool:
        """Whether packed distributions are (G51)."""
        return self.blocks or (not self.encoding and os.environ.get("TERM") not in _PLAIN_TERMINALS)


PLAIN = Look()
"""Where no option was set."""


def look_of(options: Options) -> Look:
    """What these options say."""
    hist, pack, zoom, raw = map(options.flag, ("agghist", "aggpack", "aggzoom", "rawbytes"))
    return Look(hist, pack, zoom, options.text("encoding") or "", raw)


def block(code: int) -> str:
    """The block element U+25xx, as the bytes that are written."""
    return chr(0x2500 + code).encode().decode("latin-1")
