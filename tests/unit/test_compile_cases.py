"""Cases that end before anything is loaded: compile errors, the command line, -e."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.case import Case, load

CASES = load(*sorted((Path(__file__).parent.parent / "cases" / "compile").glob("*.case")))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_case(case: Case, tmp_path: Path) -> None:
    case.run(tmp_path)
