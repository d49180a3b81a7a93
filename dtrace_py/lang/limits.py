"""What options say to the checks."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Sizes in bytes and numbers of frames, as the options of the same names have them (contract section 10); but the last."""

    strsize: int = 256
    scratchsize: int = 256
    stackframes: int = 20
    ustackframes: int = 20
    jstackframes: int = 50
    jstackstrsize: int = 512
    maxframes: int = 127
    targeted: int = 0
    """1 if -c or -p named a process."""


SIZES = Limits._fields[:-1]
"""The options among them."""
