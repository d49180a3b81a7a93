"""The tables of quantize(), lquantize() and llquantize() (G36 to G48)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain

from dtrace_py.lang.program import Linear, LogLinear
from dtrace_py.output.look import Look, block

_WIDTH = 40


@cache
def quantize_labels() -> list[str]:
    """The labels of the 127 bins of quantize() (G44)."""
    return [str(quantize_value(bin_)) for bin_ in range(127)]


def quantize_value(bin_: int) -> int:
    """The number that a bin of quantize() stands for (G15)."""
    if bin_ == 63:
        return 0
    return 1 << (bin_ - 64) if bin_ > 63 else -(1 << (62 - bin_))


@cache
def linear_labels(linear: Linear) -> list[str]:
    """The labels of lquantize(): the last one is the real top edge (G45)."""
    steps = [str(linear.base + level * linear.step) for level in range(linear.levels)]
    return [f"< {linear.base}", *steps, f">= {linear.base + linear.levels * linear.step}"]


@cache
def loglinear_edges(loglinear: LogLinear) -> list[int]:
    """Where the bins of llquantize() begin, but for the first one; the last is above all (G17)."""
    return [*chain(*(range(*each) for each in loglinear.magnitudes)), loglinear.magnitudes[-1][1]]


@cache
def loglinear_labels(loglinear: LogLinear) -> list[str]:
    """The labels of llquantize() (G46)."""
    *edges, top = loglinear_edges(loglinear)
    return [f"< {edges[0]}", *map(str, edges), f">= {top}"]


def header(label: str = "value", width: int = 16) -> str:
    """The line above bars (G36)."""
    return f"\n{label:>{width}} {'------------- Distribution -------------':>41} {'count':<9}\n"


def table(bins: Sequence[int], labels: Sequence[str], normal: int, empty: tuple[int, int], look: Look) -> str:
    """A distribution. ``empty`` are the first and last bin shown when nothing was counted (G43)."""
    used = [place for place, count in enumerate(bins) if count]
    first, last = (max(used[0] - 1, 0), min(used[-1] + 1, len(bins) - 1)) if used else empty
    shown = bins[first : last + 1]
    total = look.total(shown)
    lines = [
        f"{label:>16} {bar_line(count, shown, total, divided(count, normal), look)}"
        for label, count in zip(labels[first : last + 1], shown, strict=True)
    ]
    return header() + "".join(lines)


def bar_line(count: int, counts: Sequence[int], total: float, shown: int, look: Look) -> str:
    """The bar of one count among others, and how the count is shown (G37)."""
    negative, positive = min(counts) < 0, max(counts) > 0
    return f"{_bar(count, total, negative and positive, negative, look)} {shown:<9}\n"


def _bar(count: int, total: float, both: bool, negative: bool, look: Look) -> str:
    """G38 to G41, G52."""
    if look.blocks and not negative and total:
        return _blocks(count, total)
    width = _WIDTH // 2 if both else _WIDTH
    length = int(abs(count) * width / total + 0.5) if total else 0
    bar = "@" * length
    if both:
        return f"{'':20}|{bar:<20}" if count > 0 else f"{bar:>20}|{'':20}"
    return f"{bar:>40}|" if negative else f"|{bar:<40}"


def _blocks(count: int, total: float) -> str:
    """Full blocks, and one for the eighths that are left: U+2588 to U+258F."""
    eighths = int(count * _WIDTH / total * 8)
    whole, rest = divmod(eighths, 8)
    bar = block(0x88) * whole + (block(0x90 - rest) if rest else "")
    return f"|{bar}{'':{_WIDTH - whole - bool(rest)}}"


def divided(value: int, by: int) -> int:
    """Signed division that truncates toward zero, as C's does."""
    return abs(value) // abs(by) * (1 if (value < 0) == (by < 0) else -1)
