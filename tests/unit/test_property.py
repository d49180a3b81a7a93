"""A little of what ``make property`` does: expressions come to what D says (C1 to C5), and what is right loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property import batch, clauses, reference
from tests.property.batch import Finding
from tests.property.reference import INT, KINDS, WORD, Fault


@pytest.mark.parametrize("seed", [101, 102])
def test_expressions(seed: int, tmp_path: Path) -> None:
    assert batch.check(seed, 60, tmp_path) == []


@pytest.mark.parametrize("seed", [101, 102, 103])
def test_clauses(seed: int) -> None:
    assert clauses.check(seed, 12) == []


def test_a_wrong_result_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be no test if it agreed with anything."""
    right = reference.calculated

    def wrong(op: str, kind: reference.Kind, left: int, right_: int) -> int:
        return right("+" if op == "-" else op, kind, left, right_)

    monkeypatch.setattr(reference, "calculated", wrong)
    found = batch.check(101, 60, tmp_path)
    assert found
    assert all(isinstance(each, Finding) for each in found)


def test_the_reference_itself() -> None:
    """O24, C2, C1 in numbers that anyone can check."""
    assert reference.signed(reference.calculated("%", INT, 7, -2 & WORD)) == 1
    assert reference.signed(reference.calculated("/", INT, -7 & WORD, 2)) == -3
    assert reference.common(KINDS[4], KINDS[5]) == KINDS[5]
    assert reference.common(KINDS[1], KINDS[4]) == KINDS[4]
    assert reference.signed(KINDS[0].held(200)) == -56
    with pytest.raises(Fault):
        reference.calculated("/", INT, 1, 0)
