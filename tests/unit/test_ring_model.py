"""The ring's design in every order of its steps, and that the model would notice if it were wrong."""

from __future__ import annotations

import pytest

from tests.ring.checks import Violation, explore
from tests.ring.model import Design

NESTED = ((2, 1, 2), (2, 1), (1,))
"""Three producers, each of which interrupts those before it: the sizes of their records, in words of a ring of four."""

TASKS = ((2,), (2,), (1,))
"""Three that preempt each other in any order."""


@pytest.mark.parametrize("policy", ["switch", "fill", "ring"])
@pytest.mark.parametrize(("sizes", "nesting"), [(NESTED, True), (TASKS, False), (((2, 1), (2, 1)), False)])
def test_every_order(policy: str, sizes: tuple[tuple[int, ...], ...], nesting: bool) -> None:
    assert explore(Design(policy, sizes, nesting)) > 300


@pytest.mark.parametrize(
    ("policy", "flaw", "what"),
    [
        ("switch", "published too early", "is torn"),
        ("switch", "no zeroes", "out of order, or again"),
        ("switch", "tail before zeroes", "is torn"),
        ("switch", "no exchange", "were published"),
        ("switch", "unsigned", "was dropped although there is room"),
        ("ring", "no base", "is what is found of"),
        ("ring", "no note", "was dropped although there is room"),
        ("ring", "no exchange", "is what is found of"),
    ],
)
def test_what_is_wrong_is_noticed(policy: str, flaw: str, what: str) -> None:
    with pytest.raises(Violation, match=what):
        explore(Design(policy, NESTED, flaw=flaw))
