"""Bars of blocks, and which terminals get them (contract G51, G52)."""

from __future__ import annotations

import pytest

from dtrace_py.output.distribution import bar_line
from dtrace_py.output.look import Look

BLOCKS = Look(encoding="utf8")


def drawn(count: int, counts: list[int]) -> str:
    line = bar_line(count, counts, BLOCKS.total(counts), count, BLOCKS)
    return line.encode("latin-1").decode().rstrip("\n")


def test_eighths() -> None:
    assert drawn(33, [33, 31]) == "|" + "█" * 20 + "▋" + " " * 19 + " 33       "
    assert drawn(31, [33, 31]) == "|" + "█" * 19 + "▍" + " " * 20 + " 31       "
    assert drawn(64, [64]) == "|" + "█" * 40 + " 64       "
    assert drawn(0, [64, 0]) == "|" + " " * 40 + " 0        "


def test_negative_counts_are_drawn_as_ever() -> None:
    assert drawn(-1, [-1]) == "@" * 40 + "| -1       "


@pytest.mark.parametrize(
    ("encoding", "terminal", "blocks"),
    [
        ("", "xterm", True),
        ("", "dumb", False),
        ("", "sun-color", False),
        ("utf8", "sun", True),
        ("ascii", "xterm", False),
    ],
)
def test_glyphs(encoding: str, terminal: str, blocks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", terminal)
    assert Look(encoding=encoding).glyphs is blocks
