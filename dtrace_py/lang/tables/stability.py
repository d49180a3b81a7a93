"""Stability attributes: name stability, data stability and dependency class, as DTrace reports them (M28)."""

from __future__ import annotations

from typing import NamedTuple

STABILITIES = ("Internal", "Private", "Obsolete", "External", "Unstable", "Evolving", "Stable", "Standard")
CLASSES = ("Unknown", "CPU", "Platform", "Group", "ISA", "Common")


class Stability(NamedTuple):
    """One triple. ``&`` gives the lower of two, part by part."""

    name: str
    data: str
    klass: str

    def __and__(self, other: Stability) -> Stability:
        return Stability(
            min(self.name, other.name, key=STABILITIES.index),
            min(self.data, other.data, key=STABILITIES.index),
            min(self.klass, other.klass, key=CLASSES.index),
        )


def stability(text: str) -> Stability:
    """The triple written as ``Stable/Stable/Common``."""
    return Stability(*text.split("/"))


HIGHEST = stability("Standard/Standard/Common")
STABLE = stability("Stable/Stable/Common")
"""What D's own words are unless their table says otherwise."""
UNSTABLE = stability("Private/Private/Unknown")
"""What the kernel's own symbols are."""
