"""Speculations of several CPUs (A22, A23): kept by CPU and use, and with BEGIN and END on CPUs of their own."""

from __future__ import annotations

import os

import pytest

from dtrace_py.consumer.speculations import Kept
from dtrace_py.runtime.tracer import Tracer
from tests.case import Outcome, run


def use(number: int, id_: int = 1) -> int:
    return number << 32 | id_


def test_a_commit_returns_what_its_own_cpu_has() -> None:
    kept = Kept(2, to_the_end=False)
    kept.keep(0, use(1), b"a")
    kept.keep(1, use(1), b"b")
    kept.keep(0, use(1), b"c")
    assert list(kept.commit(0, use(1), shared=False)) == [(0, [b"a", b"c"])]
    assert kept.due(1) == [], "a speculation of one CPU has no records on another; this one is of an earlier use"


def test_a_shared_one_returns_the_others_first_and_what_turns_up_later_is_due() -> None:
    kept = Kept(3, to_the_end=False)
    for cpu, record in enumerate((b"a", b"b")):
        kept.keep(cpu, use(1), record)
    assert list(kept.commit(1, use(1), shared=True)) == [(0, [b"a"]), (1, [b"b"])]
    kept.keep(2, use(1), b"c")
    kept.keep(0, use(1), b"d")
    assert (kept.due(2), kept.due(0), kept.due(0)) == ([b"c"], [b"d"], [])


def test_the_next_use_of_an_id_replaces_what_was_discarded() -> None:
    kept = Kept(1, to_the_end=False)
    kept.keep(0, use(1), b"discarded")
    kept.keep(0, use(1, 2), b"another id")
    kept.keep(0, use(2), b"kept")
    assert list(kept.commit(0, use(1), shared=False)) == [(0, [])]
    assert list(kept.commit(0, use(2), shared=False)) == [(0, [b"kept"])]
    assert list(kept.commit(0, use(1, 2), shared=False)) == [(0, [b"another id"])]


def test_where_rings_are_read_at_the_end_a_commit_may_come_long_after_the_next_use() -> None:
    kept = Kept(2, to_the_end=True)
    kept.keep(0, use(1), b"a")
    kept.keep(0, use(2), b"b")
    assert list(kept.commit(1, use(1), shared=True)) == [(0, [b"a"]), (1, [])]


def test_stragglers_of_a_use_are_due_until_the_next_one_has_ended() -> None:
    kept = Kept(1, to_the_end=False)
    list(kept.commit(0, use(1), shared=True))
    kept.free(use(1))
    kept.keep(0, use(1), b"late")
    assert kept.due(0) == [b"late"]
    list(kept.commit(0, use(2), shared=True))
    kept.free(use(2))
    assert not kept.committed(use(1))
    assert kept.committed(use(2))


def traced(program: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Run it with BEGIN on the first CPU that this process may use and END on the last."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == 1:
        pytest.skip("there is but one CPU")
    fire = Tracer.fire

    def fire_there(tracer: Tracer, name: str) -> None:
        os.sched_setaffinity(0, {allowed[0 if name == "begin" else -1]})
        fire(tracer, name)

    monkeypatch.setattr(Tracer, "fire", fire_there)
    try:
        return run(["-qn", program])
    finally:
        os.sched_setaffinity(0, allowed)


STARTED = 'BEGIN { s = speculation(); } BEGIN { speculate(s); printf("%d\\n", cpu); } BEGIN { exit(0); }'


def test_another_cpu_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = 'END { printf("first\\n"); } END { speculate(s); printf("%d\\n", cpu); } END { commit(s); } END { trace("last"); }'
    allowed = sorted(os.sched_getaffinity(0))
    outcome = traced(f"{STARTED} {ended}", monkeypatch)
    assert (outcome.stdout, outcome.stderr) == (f"first\n{allowed[0]}\n{allowed[-1]}\nlast\n", "")


@pytest.mark.parametrize("end", ["commit", "discard"])
def test_until_the_first_cpu_is_clean_the_id_is_busy(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = f'END {{ {end}(s); }} END {{ {end}(s); }} END {{ speculate(s); printf("too late\\n"); }} '
    outcome = traced(f"{STARTED} {ended} END {{ trace(speculation()); }}", monkeypatch)
    first = f"{min(os.sched_getaffinity(0))}\n" if end == "commit" else ""
    assert outcome.stdout == f"{first}0\n"
    assert outcome.stderr == "dtpy: 1 failed speculation (available buffer(s) still busy)\n"
