"""The versions of the D language (contract section 5, L23)."""

from __future__ import annotations

import re

VERSIONS = frozenset(
    "1.0 1.1 1.2 1.2.1 1.2.2 1.3 1.4 1.4.1 1.5 1.6 1.6.1 1.6.2 1.6.3 1.7 1.7.1 1.8 1.8.1 1.9 1.9.1 1.10 1.11 1.12 1.12.1 "
    "1.13".split()
)
"""All that there have been."""

VERSION = "1.13"
"""The one that this is."""

_MOST = (0xFF, 0xFFF, 0xFFF)


def encoded(text: str) -> int:
    """A version as DTrace encodes it, so that a later one is greater: 8 bits, 12 bits, 12 bits. ValueError if it is none."""
    if not re.fullmatch(r"\d{1,9}\.\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        raise ValueError(text)
    major, minor, micro = parts = [*map(int, text.split(".")), 0][:3]
    if any(part > most for part, most in zip(parts, _MOST, strict=True)):
        raise ValueError(text)
    return major << 24 | minor << 12 | micro
