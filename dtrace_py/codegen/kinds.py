"""Which BPF programs the enabled probes need: one for each kind of probe."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from dtrace_py.codegen.plan import Enabling, Plan
from dtrace_py.providers.dtrace import ERROR


@dataclass(slots=True)
class Kind:
    """One program to be generated: its number, and the enablings that can happen in it."""

    name: str
    number: int
    enablings: list[Enabling] = field(default_factory=list)


def kinds(plan: Plan, session: bool, ftrace: Collection[str]) -> list[Kind]:
    """The programs that a plan's own probes need, each with the enablings that can happen in it."""
    wanted: dict[str, set[int]] = {}
    masks = plan.masks
    for probe in plan.own:
        if probe == ERROR:
            continue  # fires inside the others
        if probe.provider == "dtrace":
            name = probe.name.lower()
        elif probe.provider == "profile":
            name = "profile"
        elif probe.provider == "fbt" and session:
            name = "fbt"
        elif probe.provider == "fbt" and probe.name in ftrace:
            name = f"ftrace_{probe.name}"
        else:
            name = f"{probe.provider}_{probe.name}"
        wanted.setdefault(name, set()).add(masks[probe.id])
    result: list[Kind] = []
    for name, some in wanted.items():
        mask = 0
        for each in some:
            mask |= each
        result.append(Kind(name, len(result), [e for e in plan.enablings if mask >> e.number & 1]))
    return result
