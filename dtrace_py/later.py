"""Probes that come while tracing, with modules that are loaded (contract P25): which there are, and who waits for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dtrace_py.errors import counted
from dtrace_py.kernel import modules
from dtrace_py.lang.describe import Description, matcher
from dtrace_py.lang.program import Clause
from dtrace_py.programs import Compiled, Matched
from dtrace_py.providers.fbt import FbtProvider
from dtrace_py.providers.probe import Probe, probes_of

if TYPE_CHECKING:
    from dtrace_py.kernel.machine import Machine
    from dtrace_py.lang.definitions import ProbeArgument

ArgumentsOf = Callable[[Probe], tuple["ProbeArgument", ...]]


def waiting(compiled: Compiled, fbt: FbtProvider) -> frozenset[int]:
    """The numbers of the clauses that may be enabled at functions of modules which are not loaded yet."""
    return frozenset(
        each.clause.number for each in compiled.clauses if any(map(fbt.may_match_later, each.descriptions))
    )


class News(NamedTuple):
    """Modules that have gone, and that have come."""

    gone: Collection[str]
    come: Collection[str]


class Watch:
    """Looks for modules that come and go, if descriptions may concern them."""

    def __init__(self, compiled: Compiled, machine: Machine) -> None:
        descriptions = (each for matched in compiled.clauses for each in matched.descriptions)
        self._wanted: list[Description] = [each for each in descriptions if machine.fbt.may_match_later(each)]
        self._known = machine.modules

    def look(self) -> News:
        """What is new since the last look, or since the list of functions was read. A module that came back at another
        place has gone and come."""
        if not self._wanted:
            return News((), ())
        now = modules.loaded()
        gone = [name for name, address in self._known.items() if now.get(name) != address]
        come = [name for name, address in now.items() if self._known.get(name) != address and self._is_wanted(name)]
        self._known = now
        return News(gone, come)

    def _is_wanted(self, module: str) -> bool:
        return any(matcher(each.module)(module) for each in self._wanted)


def matched_since(
    compiled: Compiled, fbt: FbtProvider, place: int, arguments: ArgumentsOf, note: Callable[[str], object]
) -> Compiled:
    """The same clauses, with the probes of functions from that place in the kernel's list on, and with no others.

    ``note`` hears of probes that a clause is not fit for.
    """
    unfit: list[Probe] = []
    later = Compiled(compiled.program)
    for source, clauses in compiled.sources:
        found = [_since(matched, fbt, place, arguments, unfit) for matched in clauses]
        later.sources.append((source, found))
    if unfit:
        names = " ".join(sorted({probe.title for probe in unfit}))
        note(f"left out {counted(len(unfit), 'probe')}, where args[ ] is what no probe had before: {names}")
    return later


def _since(matched: Matched, fbt: FbtProvider, place: int, arguments: ArgumentsOf, unfit: list[Probe]) -> Matched:
    probes: list[list[Probe]] = [[] for _ in matched.descriptions]
    for into, description in zip(probes, matched.descriptions, strict=True):
        if fbt.may_match_later(description):
            into += probes_of(fbt.matching(description, place))
    clause = matched.clause
    if clause.asks and any(probes):
        clause, forms = _with_forms(clause, matched.probes, probes, arguments)
        unfit += [probe for some in probes for probe in some if probe.id not in forms]
        probes = [[probe for probe in some if probe.id in forms] for some in probes]
    return Matched(clause, matched.descriptions, tuple(probes))


def _with_forms(
    clause: Clause, before: Sequence[Sequence[Probe]], probes: Sequence[Sequence[Probe]], arguments: ArgumentsOf
) -> tuple[Clause, dict[int, Clause]]:
    """The clause, its forms knowing of further probes (P28); and by their ids the form of those that it is fit for: each has
    the arguments of some probe that it was compiled for."""
    apart = {probe.id: form for form in clause.others for probe in form.probes}
    known = {arguments(probe): apart.get(probe.id, clause) for some in before for probe in some}
    fit = [(probe, form) for some in probes for probe in some if (form := known.get(arguments(probe)))]
    others = tuple(
        form._replace(probes=(*form.probes, *(probe for probe, of in fit if of is form))) for form in clause.others
    )
    return clause._replace(others=others), {probe.id: form for probe, form in fit}
