"""Which clause is named when the kernel refuses a program, and how many programs are tried to find it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil, log2

import pytest

from dtrace_py.codegen.layout import Unit
from dtrace_py.refusal import first_refused
from dtrace_py.runtime.loader import LoadError
from tests.case import run
from tests.conftest import can_load_programs

MANY = 100


class Kernel:
    """Refuses numbers that are bad, and pairs that are bad together."""

    def __init__(self, *bad: int, pair: tuple[int, int] | None = None) -> None:
        self.bad = bad
        self.pair = pair
        self.tried = 0

    def refusal(self, some: Sequence[int]) -> LoadError | None:
        self.tried += 1
        if self.pair and set(self.pair) <= set(some):
            return LoadError("together")
        return next((LoadError(f"bad {number}") for number in some if number in self.bad), None)

    def first(self, count: int) -> str | None:
        found = first_refused(range(count), LoadError("all"), self.refusal)
        return found[1].reason if found else None


@pytest.mark.parametrize("bad", [0, 1, 49, 50, 98, 99])
def test_the_first_that_is_refused_is_found_in_few_tries(bad: int) -> None:
    kernel = Kernel(99, bad)
    assert kernel.first(MANY) == f"bad {bad}"
    assert kernel.tried <= 2 * ceil(log2(MANY))


@pytest.mark.parametrize("pair", [(0, 1), (3, 70), (98, 99)])
def test_none_is_named_if_they_are_refused_together_only(pair: tuple[int, int]) -> None:
    assert Kernel(pair=pair).first(MANY) is None


def test_one_that_is_bad_is_found_behind_two_that_do_not_go_together() -> None:
    assert Kernel(77, pair=(3, 4)).first(MANY) == "bad 77"


def test_a_single_one_is_not_tried_again() -> None:
    kernel = Kernel()
    assert (kernel.first(1), kernel.tried) == ("all", 0)


@pytest.mark.skipif(not can_load_programs(), reason="tracing needs root")
@pytest.mark.parametrize(
    ("values", "told"),
    [
        (("1", "pid", "uid", "pid"), "the clause 'BEGIN { trace(pid); }': no pid"),
        (("gid", "1", "uid"), "the clauses together: not both"),
    ],
)
def test_what_is_said(values: Sequence[str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verifier is played: what it refuses in earnest is no test, but a bug to be fixed."""

    @contextmanager
    def load(unit: Unit, *_: object) -> Iterator[None]:
        if "bpf_get_current_pid_tgid() >> 32" in unit.text:
            raise LoadError("no pid")
        if "bpf_get_current_uid_gid() >> 32" in unit.text and "(u32)bpf_get_current_uid_gid()" in unit.text:
            raise LoadError("not both")
        yield

    monkeypatch.setattr("dtrace_py.runtime.tracer.load", load)
    monkeypatch.setattr("dtrace_py.refusal.load", load)
    outcome = run(["-qn", " ".join(f"BEGIN {{ trace({value}); }}" for value in values)])
    assert outcome.status == 1
    assert (
        outcome.stderr == f"dtpy: internal error: {told}; this is a bug of dtpy; please report it with what -S prints\n"
    )
