"""Attaching to many functions and letting go of them, mechanism by mechanism, within this process.

In each round the mechanisms take turns, for each number of functions and each kind of probe. The probes are inert all the
while, as dtpy's are whenever it lets go.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from dtrace_py.kernel.machine import Machine
from dtrace_py.runtime.report import Cost
from tests.bench.mechanisms import Chosen, Mechanism, bcc_kprobes, fentry, floor, ours
from tests.bench.progress import say, turns

PATTERNS = {"100": "vfs_*", "1000": "*free*", "10000": "*re*", "all": "*"}
"""About so many functions have names like this, on every kernel that is measured. One pattern each, so that bpftrace too
takes them by one link."""

_FENTRY_SAMPLE = 25
"""A program for each function is loaded anew whenever it is attached, which takes long."""


def measure(
    sizes: Sequence[str], kinds: Sequence[str], rounds: int, sample: int, seconds: float
) -> list[dict[str, Any]]:
    """Every attaching and letting go. ``sample`` functions stand for all where it goes one by one; 0: leave that out."""
    rows: list[dict[str, Any]] = []
    began = time.monotonic()
    with _loaded(Machine(), sizes, kinds, sample) as cells:
        for number, cell in turns([*cells], rounds, seconds - (time.monotonic() - began)):
            kind, size = cell
            for name, mechanism in cells[cell].items():
                row = {"mechanism": name, "kind": kind, "size": size, "round": number, **_cost(mechanism)}
                rows.append(row)
                say(f"{name}, {kind}, {size}: {row['probes']} probes, let go in {row['detach']['seconds']:.2f} s")
    return rows


@contextmanager
def _loaded(
    machine: Machine, sizes: Sequence[str], kinds: Sequence[str], sample: int
) -> Iterator[dict[tuple[str, str], dict[str, Mechanism]]]:
    """The mechanisms by kind and size, then by name, in the order of their turns, all programs loaded."""
    cells: dict[tuple[str, str], dict[str, Mechanism]] = {}
    with ExitStack() as stack:
        for kind in kinds:
            for size in sizes:
                chosen = Chosen(machine, PATTERNS[size], kind)
                cells[kind, size] = {"floor": partial(floor, chosen), "dtpy": stack.enter_context(ours(chosen))}
            if sample:
                some = Chosen(machine, "*", kind)
                one_by_one = {"bcc, one by one": stack.enter_context(bcc_kprobes(some, sample))}
                if kind == "entry":
                    few = min(sample, _FENTRY_SAMPLE)
                    one_by_one["fentry, one by one"] = stack.enter_context(fentry(some, few))
                cells[kind, "sample"] = one_by_one
        yield cells


def _cost(mechanism: Mechanism) -> dict[str, Any]:
    attach, detach = Cost(), Cost()
    with ExitStack() as stack:
        with attach.measured():
            probes = stack.enter_context(mechanism())
        time.sleep(0.2)
        with detach.measured():
            stack.close()
    return {"probes": probes, "attach": asdict(attach), "detach": asdict(detach)}
