"""Cases on real probes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.case import Case, load

FOLDER = Path(__file__).parent.parent / "cases"
CASES = load(*sorted((FOLDER / "lab").glob("*.case")))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_case(case: Case, tmp_path: Path) -> None:
    case.run(tmp_path)
