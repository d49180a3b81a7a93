"""Cases on real probes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.case import Case, load

FOLDER = Path(__file__).parent.parent / "cases"
CASES = load(*sorted((FOLDER / "lab").glob("*.case")))


ANYWHERE = {"buffers", "builtins", "destructive", "processes", "speculations", "threads"}
"""Files of cases that do not depend on how a kernel lets functions be traced."""


def _marks(case: Case) -> list[pytest.MarkDecorator]:
    return [pytest.mark.once] if case.file in ANYWHERE else []


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id, marks=_marks(case)) for case in CASES])
def test_case(case: Case, tmp_path: Path) -> None:
    case.run(tmp_path)
