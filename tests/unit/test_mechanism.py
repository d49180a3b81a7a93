"""Which probes of functions come through ftrace, where there are no links."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dtrace_py import mechanism
from dtrace_py.job import Job
from dtrace_py.kernel import features
from dtrace_py.lang.facts import NoTypes
from dtrace_py.lang.source import Source
from dtrace_py.programs import compile_job
from dtrace_py.providers.dtrace import DtraceProvider
from dtrace_py.providers.fbt import FbtProvider
from dtrace_py.providers.registry import Registry
from dtrace_py.runtime import ftrace

FUNCTIONS = [(f"function_{number}", "vmlinux") for number in range(mechanism.WORTHWHILE)]
GRAPH, FUNCTION = {"entry": 1, "return": 2}, 3


@pytest.mark.parametrize(
    ("program", "graph", "expected"),
    [
        ("fbt:::", "used", {"entry": FUNCTION}),
        ("fbt:::", True, GRAPH),
        ("fbt:::", False, {"entry": FUNCTION}),
        ("fbt:::return ERROR { stack(); }", True, {}),
        ("fbt:::return ERROR { trace(arg0); }", True, {"return": GRAPH["return"]}),
        ("fbt:::entry", True, {"entry": FUNCTION}),
        ("fbt:::return", True, {"return": GRAPH["return"]}),
        ("fbt:::return", False, {}),
        ("fbt:::entry, fbt::function_1:return { stack(); trace(arg0); }", True, {"entry": FUNCTION}),
        ("fbt:::entry { stack(); trace(arg0); } fbt:::return { trace(arg1); ustack(); }", True, GRAPH),
        ("fbt:::return { stack(); }", True, {}),
        ("fbt:::return { @[stack(2)] = count(); }", True, {}),
        ("fbt:::return /arg0 == 5/ { }", True, {}),
        ("fbt:::return { if (1) { x = 1; } else { self->y[1, (int)caller] = 2; } }", True, {}),
        ('fbt:::return { printf("%d", 1 ? stackdepth : 0); }', True, {}),
        ("fbt:::return { @ = sum(strlen(lltostr(arg0))); }", True, {}),
        ("fbt::function_?:", True, {}),
    ],
)
def test_through_ftrace(
    program: str, graph: bool | str, expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many of a kind do, but not returns of which a clause asks where they were, or for the stack there."""
    monkeypatch.setattr(features, "graph_tracer", lambda *_: GRAPH if graph else None)
    monkeypatch.setattr(features, "function_tracer", lambda *_: FUNCTION)
    registry = Registry((DtraceProvider(), FbtProvider(lambda: FUNCTIONS, frozenset, lambda _: True)))
    compiled = compile_job(Job(sources=[Source(program)]), NoTypes, registry)
    monkeypatch.setattr(features, "uses_ftrace", lambda: "set_event" if graph == "used" else None)
    monkeypatch.setattr(ftrace, "remove_stale", lambda: None)
    machine: Any = SimpleNamespace(symbols=SimpleNamespace(address=None), online=[0], types=None)
    notes: list[str] = []
    assert mechanism.through_ftrace(compiled, machine, notes.append) == expected
    assert [note.rpartition("/")[2] for note in notes] == (["set_event"] if graph == "used" else [])
