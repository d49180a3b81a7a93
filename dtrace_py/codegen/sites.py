"""The tables of bpf/sites.h and bpf/functions.h: which clauses run at which place."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from dtrace_py.codegen.plan import Plan
from dtrace_py.codegen.shape import FunctionTable
from dtrace_py.providers.probe import Probe

_SLOTS = 256
"""Sites in a leaf."""

_SHIFTS = range(4, -1, -1)
"""Slot sizes to try: functions are 16-byte aligned, but nothing promises it."""


@dataclass(slots=True)
class ClauseSets:
    """The sets of enablings that occur together, numbered from 1; 0 is the empty set."""

    numbers: dict[int, int] = field(default_factory=lambda: {0: 0})

    def number(self, mask: int) -> int:
        return self.numbers.setdefault(mask, len(self.numbers))

    def words(self, enablings: int) -> array[int]:
        """The clause_sets map: how many enablings, then their bits."""
        width = -(-max(1, enablings) // 64)
        words = array("Q")
        for mask in self.numbers:
            words.append(mask.bit_count())
            words.extend(mask >> 64 * n & (1 << 64) - 1 for n in range(width))
        return words


class Site(NamedTuple):
    """struct site: the place of its first probe among the enabled ones, and its sets."""

    probe: int
    entry_set: int
    return_set: int

    @property
    def word(self) -> int:
        """Its 8 bytes as a little-endian number."""
        return self.probe | self.entry_set << 32 | self.return_set << 48


def group(plan: Plan, probes: Iterable[Probe], sets: ClauseSets) -> dict[int, Site]:
    """The sites of entry and return probes that share a place, by the number of the pair: (id - first id) // 2 and so on.

    Probe ids of a pair are adjacent, the entry first; the result is keyed by the id of the entry probe.
    """
    sites: dict[int, Site] = {}
    places, masks, number = plan.places, plan.masks, sets.number
    for key, _, _, _, name in probes:
        if name != "return":
            pair = masks.get(key + 1)
            sites[key] = Site(places[key], number(masks[key]), 0 if pair is None else number(pair))
        elif key - 1 not in sites:
            sites[key - 1] = Site(places[key], 0, number(masks[key]))
    return sites


@dataclass(slots=True)
class FunctionSites:
    """The two arrays of bpf/functions.h, and their geometry."""

    table: FunctionTable
    leaves: array[int]
    sites: array[int]

    def places(self, first: int, last: int) -> Iterator[int]:
        """Where in the second array is what was put in for a function with probes from one address to another."""
        start, shift = self.table.text_start, self.table.slot_shift
        for slot in range((first - start) >> shift, ((last - start) >> shift) + 1):
            yield self.leaves[slot // _SLOTS] * _SLOTS + slot % _SLOTS


def function_sites(placed: Iterable[tuple[int, int, Site]]) -> FunctionSites:
    """The arrays for functions whose probes stand between these addresses, both included.

    Raises ValueError if two functions overlap.
    """
    ordered = sorted(placed, key=itemgetter(0))
    start = ordered[0][0]
    for shift in _SHIFTS:
        base = start >> (shift + 8) << (shift + 8)
        slots = [((first - base) >> shift, (last - base) >> shift, site) for first, last, site in ordered]
        if all(one[1] < other[0] for one, other in pairwise(slots)):
            return _filled(base, shift, slots)
    raise ValueError("two functions have the same address")


def _filled(base: int, shift: int, slots: Sequence[tuple[int, int, Site]]) -> FunctionSites:
    leaves = array("Q", bytes(8 * (slots[-1][1] // _SLOTS + 1)))
    sites = array("Q", bytes(8 * _SLOTS))  # leaf 0: no sites
    empty = bytes(8 * _SLOTS)
    for low, high, site in slots:
        word = site.word
        for slot in range(low, high + 1):
            page = slot // _SLOTS
            if not leaves[page]:
                leaves[page] = len(sites) // _SLOTS
                sites.frombytes(empty)
            sites[leaves[page] * _SLOTS + slot % _SLOTS] = word
    return FunctionSites(FunctionTable(base, shift, len(leaves), len(sites) // _SLOTS), leaves, sites)
