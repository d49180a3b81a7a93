"""A little of what ``make fuzz`` does: made-up programs are compiled or refused, and nothing else."""

from __future__ import annotations

from tests.fuzz.harness import run_apart, warm_up
from tests.fuzz.inputs import KINDS


def test_some_inputs() -> None:
    warm_up()
    result = run_apart(seed=0, first=0, count=1000)
    assert not result.findings
    assert result.inputs == 1000
    # It would be no test if all of them were refused for the same thing, or for nothing.
    assert set(result.kinds) == set(KINDS)
    assert len(result.outcomes) > 30
    assert result.outcomes["accepted"] > 10
