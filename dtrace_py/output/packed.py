"""Aggregations with a line for each entry: option agghist, and option aggpack for distributions (contract G49, G51)."""

from __future__ import annotations

from collections.abc import Sequence

from dtrace_py.output.distribution import bar_line, header, quantize_labels
from dtrace_py.output.look import Look, block

_RISING, _FALLING = "__xxxxXX", "vvvvVV"
_BLOCK = 0x81
"""The lowest of the eight blocks that rise from the bottom, U+2581."""

_LINEAR_WIDTH = 8


def histogram(keys: Sequence[str], width: int, counts: Sequence[int], shown: Sequence[int], look: Look) -> str:
    """A bar for each entry. ``width`` is that of the keys, ``shown`` are the counts as they are printed."""
    total = look.total(counts)
    lines = [
        f"{key} {bar_line(count, counts, total, number, look)}"
        for key, count, number in zip(keys, counts, shown, strict=True)
    ]
    return header("key" if width else "value", width or 16) + "".join(lines)


def packed(
    keys: Sequence[str], width: int, entries: Sequence[Sequence[int]], labels: tuple[str, str], widths: tuple[int, int],
    bins: range, look: Look,
) -> str:  # fmt: skip
    """A line for each distribution, with a glyph for each of these bins. ``labels`` are of the first and of the last."""
    low, high = widths
    key = "key" if width else ""
    head = f"\n{key:>{width}} {'min':>{low}} .{'-' * len(bins)}. {'max':<{high}} | count\n"
    lines = []
    for name, counts in zip(keys, entries, strict=True):
        shown = [counts[bin_] for bin_ in bins]
        total = look.total(shown)
        glyphs = "".join(_glyph(count, total, look) for count in shown)
        lines.append(f"{name}{labels[0]:>{low + 1}} :{glyphs}: {labels[1]:<{high}} | {sum(shown)}\n")
    return head + "".join(lines)


def quantized(keys: Sequence[str], width: int, entries: Sequence[Sequence[int]], look: Look) -> str:
    """Distributions of quantize(): from one bin before the first that any has to one behind the last."""
    used = [place for counts in entries for place, count in enumerate(counts) if count] or [63]
    bins = range(max(min(used) - 1, 0), min(max(used) + 1, 126) + 1)
    labels = quantize_labels()[bins[0]], quantize_labels()[bins[-1]]
    return packed(keys, width, entries, labels, (len(labels[0]), len(labels[1])), bins, look)


def linear(keys: Sequence[str], width: int, entries: Sequence[Sequence[int]], every: Sequence[str], look: Look) -> str:
    """Distributions of lquantize(): all bins."""
    bins, widths = range(len(every)), (_LINEAR_WIDTH - 1, _LINEAR_WIDTH)
    return packed(keys, width, entries, (every[0], every[-1]), widths, bins, look)


def _glyph(count: int, total: float, look: Look) -> str:
    if not count:
        return " "
    if count < 0:
        return _FALLING[int(-count * (len(_FALLING) - 1) / total + 0.5)]
    step = int(count * (len(_RISING) - 1) / total + 0.5)
    return block(_BLOCK + step) if look.glyphs else _RISING[step]
