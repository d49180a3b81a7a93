"""Which clause runs at which probe: enablings, sets of them, and the programs that they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from dtrace_py.lang.program import Clause
from dtrace_py.providers.probe import Probe
from dtrace_py.record import record


@record
class Enabling:
    """One clause applied to some probes. ``number`` counts from 0; a clause has several where its descriptions overlap.

    A clause with if/else has one for each of its basic blocks, in a row. The first of them fires and runs the others."""

    number: int
    clause: Clause
    probes: frozenset[int]
    """Their ids."""
    first_epid: int
    ordered: tuple[int, ...]
    """The same ids in the order of matching, in which their EPIDs count up from ``first_epid``."""
    block: int = 0
    """Its place among the blocks of the clause."""


@dataclass
class Plan:
    """The enabled probes and what to do at each."""

    probes: list[Probe] = field(default_factory=list)
    """In order of id. A probe's place here is what records and programs call it by."""
    enablings: list[Enabling] = field(default_factory=list)
    masks: dict[int, int] = field(default_factory=dict)
    """Probe id to the bits of its enablings."""
    waiting: frozenset[int] = frozenset()
    """Numbers of the clauses that may be enabled at probes which are not there yet (P25)."""
    since: int | None = None
    """Of a plan that goes on from another: the place of its first own probe. What is before runs already."""

    @property
    def own(self) -> list[Probe]:
        """The probes that are not enabled already."""
        return self.probes[self.since or 0 :]

    @cached_property
    def places(self) -> dict[int, int]:
        """Probe id to its place in ``probes``."""
        return {probe.id: place for place, probe in enumerate(self.probes)}

    def of_provider(self, name: str) -> list[Probe]:
        """The own probes of a provider."""
        return [probe for probe in self.own if probe.provider == name]

    @property
    def needs_session(self) -> bool:
        """Whether functions are enabled at entry and at return, and so better attached by one link than by two."""
        return len({probe.name for probe in self.of_provider("fbt")}) == 2

    def at(self, probe: Probe) -> list[Enabling]:
        """The enablings of a probe, in program order."""
        mask = self.masks.get(probe.id, 0)
        return [enabling for enabling in self.enablings if mask >> enabling.number & 1]

    def epid(self, enabling: int, place: int) -> int:
        """The EPID of an enabling at a probe (B11): counted from 1 in the order of enabling."""
        one = self.enablings[enabling]
        return one.first_epid + one.ordered.index(self.probes[place].id)


def make_plan(
    matches: Iterable[tuple[Clause, Sequence[Sequence[Probe]]]],
    waiting: frozenset[int] = frozenset(),
    before: Plan | None = None,
) -> Plan:
    """The plan of clauses and, for each of their descriptions, the probes that it matches.

    A probe that two descriptions of a clause match fires the clause twice (P15): the second time through an enabling of
    its own, which runs the same code.

    With ``before``, what is enabled further: places of probes, numbers of enablings and EPIDs go on, and the probes, whose ids
    must be above all those of functions there, get enablings of their own.
    """
    plan = Plan(waiting=waiting)
    if before is not None:
        plan = Plan([*before.probes], [*before.enablings], {**before.masks}, waiting, len(before.probes))
    probes: dict[int, Probe] = {}
    epid = 1 + sum(len(enabling.ordered) for enabling in plan.enablings)
    for clause, descriptions in matches:
        layers: list[list[int]] = []
        seen: list[set[int]] = []
        for matched in descriptions:
            ids = [probe.id for probe in matched]
            probes.update(zip(ids, matched, strict=True))
            place = next((n for n, taken in enumerate(seen) if taken.isdisjoint(ids)), len(layers))
            if place == len(layers):
                layers.append([])
                seen.append(set())
            layers[place] += ids
            seen[place].update(ids)
        for form, ids in _by_form(clause, layers):
            bit = 1 << len(plan.enablings)
            for block in range(len(form.blocks)):
                number = len(plan.enablings)
                plan.enablings.append(Enabling(number, form, frozenset(ids), epid, tuple(ids), block))
                epid += len(ids)
            for each in ids:
                plan.masks[each] = plan.masks.get(each, 0) | bit
    plan.probes += [probes[each] for each in sorted(probes)]
    return plan


def _by_form(clause: Clause, layers: Iterable[list[int]]) -> Iterator[tuple[Clause, list[int]]]:
    """The forms of a clause, each with those probes of a layer that have it (P28)."""
    apart = {probe.id: form for form in clause.others for probe in form.probes}
    for ids in layers:
        for form in clause.forms if apart else (clause,):
            if own := [each for each in ids if apart.get(each, clause) is form] if apart else ids:
                yield form, own
