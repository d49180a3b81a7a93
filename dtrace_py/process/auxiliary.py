"""What the kernel has told a program as it started: /proc/PID/auxv."""

from __future__ import annotations

import struct
from typing import NamedTuple

_BASE, _ENTRY = 7, 9


class Auxiliary(NamedTuple):
    """Addresses; 0 where there is none."""

    entry: int
    """Of the program's first instruction."""
    base: int
    """Where its dynamic linker was loaded."""


def read(process: int) -> Auxiliary:
    """What a process was told. Raises OSError when it is gone."""
    with open(f"/proc/{process}/auxv", "rb") as file:
        raw = file.read()
    told = dict(struct.iter_unpack("<QQ", raw[: len(raw) // 16 * 16]))
    return Auxiliary(told.get(_ENTRY, 0), told.get(_BASE, 0))
