"""Cases that need no probe but BEGIN, END and ERROR: they load programs into this kernel and run them on demand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.case import Case, load
from tests.conftest import can_load_programs

CASES = load(*sorted((Path(__file__).parent.parent / "cases" / "host").glob("*.case")))

pytestmark = pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_case(case: Case, tmp_path: Path) -> None:
    case.run(tmp_path)
