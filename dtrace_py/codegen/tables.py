"""The contents of the maps that programs look things up in, made from the plan."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain

from dtrace_py.codegen.plan import Plan
from dtrace_py.codegen.shape import Shape
from dtrace_py.codegen.sites import ClauseSets, FunctionSites, Site, function_sites, group
from dtrace_py.providers.probe import Probe
from dtrace_py.providers.profile import interval
from dtrace_py.providers.syscall import SyscallProvider


@dataclass(slots=True)
class Tables:
    """Sites by provider, the sets they refer to, and the probes' names."""

    sets: ClauseSets = field(default_factory=ClauseSets)
    functions: FunctionSites | None = None
    starts: list[tuple[int, int]] = field(default_factory=list)
    """Of each function the place of its first probe, and its address."""
    syscalls: dict[int, Site] = field(default_factory=dict)
    timers: list[tuple[Probe, int, Site]] = field(default_factory=list)
    """Probe, interval in nanoseconds, site; a timer's cookie is its place here."""
    names: bytes = b""
    """All names, each ended by a NUL; empty if no clause asks for one."""
    name_offsets: dict[str, int] = field(default_factory=dict)

    def shape(
        self, session: bool, kprobes: bool, ftrace: Collection[str], skip_entry_frame: bool, status_offset: int | None
    ) -> Shape:
        """The sizes that the generated program declares."""
        return Shape(
            functions=self.functions.table if self.functions else None,
            session=session,
            kprobes=kprobes,
            ftrace=frozenset(ftrace),
            skip_entry_frame=skip_entry_frame,
            status_offset=status_offset,
            sets=len(self.sets.numbers),
            syscalls=max(self.syscalls, default=-1) + 1,
            timers=len(self.timers),
            names=1 << max(3, len(self.names) - 1).bit_length() if self.names else 8,
        )


def make_tables(plan: Plan, extents: Mapping[int, tuple[int, int]], with_names: bool) -> Tables:
    """The tables for a plan.

    ``extents`` gives, by the id of a function's entry probe, its address and that of the last probe in it.
    """
    tables = Tables()
    functions = group(plan, plan.of_provider("fbt"), tables.sets)
    if functions:
        tables.functions = function_sites([(*extents[key], site) for key, site in functions.items()])
        tables.starts = [(site.probe, extents[key][0]) for key, site in functions.items()]
    for key, site in group(plan, plan.of_provider("syscall"), tables.sets).items():
        tables.syscalls[SyscallProvider.call_number(key)] = site
    for probe in plan.of_provider("profile"):
        length = interval(probe.name)
        assert length is not None
        site = Site(plan.places[probe.id], tables.sets.number(plan.masks[probe.id]), 0)
        tables.timers.append((probe, length, site))
    if with_names:
        _add_names(tables, plan.probes)
    return tables


def _add_names(tables: Tables, probes: Sequence[Probe]) -> None:
    _, *columns = zip(*probes, strict=True) if probes else ((),)
    texts = dict.fromkeys(chain.from_iterable(columns))
    texts.pop("", None)
    ends = accumulate((len(text) + 1 for text in texts), initial=1)
    tables.names = "\0".join(["", *texts, ""]).encode()
    tables.name_offsets = {"": 0} | dict(zip(texts, ends, strict=False))


def probe_names(tables: Tables, probes: Sequence[Probe]) -> array[int]:
    """The probe_names map: six 32-bit words a probe, the last one empty."""
    words = array("I", bytes(24 * len(probes)))
    ids, *columns = zip(*probes, strict=True) if probes else ((),)
    words[0::6] = array("I", ids)
    for place, column in enumerate(columns, 1):
        words[place::6] = array("I", map(tables.name_offsets.__getitem__, column))
    return words


def function_starts(tables: Tables) -> array[int]:
    """The function_starts map: an address for each place of a probe."""
    words = array("Q", bytes(8 * (max(place for place, _ in tables.starts) + 1)))
    for place, address in tables.starts:
        words[place] = address
    return words


def epids(plan: Plan) -> array[int]:
    """The epids map: a 64-bit word for each enabling and probe."""
    words = array("Q", bytes(8 * max(1, len(plan.enablings)) * max(1, len(plan.probes))))
    for enabling in plan.enablings:
        for offset, probe in enumerate(enabling.ordered):
            words[enabling.number * len(plan.probes) + plan.places[probe]] = enabling.first_epid + offset
    return words
