"""The benchmark's tables: medians, ratios to the floor, what is extrapolated is marked as that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench import tables
from tests.bench.parts import Part
from tests.bench.progress import turns

ENVIRONMENT = {"kernel": "6.12.1", "online": 2, "processor": "a processor", "date": "today", "bcc": "0.26.0"}


def run(mechanism: str, size: str, probes: int, seconds: float, xcalls: int) -> dict[str, Any]:
    cost = {"seconds": seconds, "xcalls": xcalls}
    row = {"mechanism": mechanism, "kind": "entry", "size": size, "probes": probes}
    return {**row, "attach": {"seconds": 2 * seconds, "xcalls": 0}, "detach": cost}


def table(folder: Path, rows: list[dict[str, Any]]) -> list[list[str]]:
    """The cells of what is written for these runs."""
    part = {"kernel": "6.12", "attaches": True}
    (folder / "teardown-6.12-2cpus.json").write_text(json.dumps({**ENVIRONMENT, "part": part, "rows": rows}))
    text = tables.write(folder)
    assert (folder / "README.md").read_text() == text
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]


def test_medians_and_ratios(tmp_path: Path) -> None:
    rows = [run("floor", "all", 1000, 2.0, 500)] + [run("dtpy", "all", 1000, s, 400) for s in (1.0, 2.2, 9.0)]
    _, _, floor, dtpy = table(tmp_path, rows)
    assert floor == ["floor", "entry", "1,000", "4.00", "2.000", "", "500", "", "1", ""]
    assert dtpy == ["dtpy", "entry", "1,000", "4.40", "2.200", "1.10", "400", "0.80", "3", ""]


def test_one_by_one_is_extrapolated_and_says_so(tmp_path: Path) -> None:
    rows = [run("dtpy", "all", 1000, 1.0, 400), run("bcc, one by one", "sample", 10, 0.5, 60)]
    *_, sample, all_ = table(tmp_path, rows)
    assert sample == ["bcc, one by one", "entry", "10", "1.00", "0.500", "", "60", "", "1", ""]
    assert all_ == ["bcc, one by one", "entry", "1,000", "100", "50", "", "6,000", "", "1", "from 10"]


def test_the_time_left_by_the_first_round_goes_to_what_takes_least(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("tests.bench.progress.time.monotonic", lambda: clock[0])

    def taken(seconds: float) -> list[tuple[int, str]]:
        done = []
        for number, cell in turns(["all", "100"], 3, seconds):
            clock[0] += 10 if cell == "all" else 1
            done.append((number, cell))
        return done

    first = [(0, "all"), (0, "100")]
    assert taken(0) == first, "one round there always is"
    assert taken(14) == [*first, (1, "100"), (2, "100")]
    assert taken(23) == [*first, (1, "all"), (1, "100"), (2, "100")]
    assert taken(33) == [*first, (1, "all"), (1, "100"), (2, "all"), (2, "100")]


def test_the_front_end(tmp_path: Path) -> None:
    rows = [{"command": "--help", "seconds": seconds} for seconds in (0.06, 0.05, 0.07)]
    rows += [{"command": "hundred.d", "seconds": 0.1, "first": 0.02, "again": 0.005}]
    part = {"kernel": "this", "attaches": False}
    (tmp_path / "frontend-native-2cpus.json").write_text(json.dumps({**ENVIRONMENT, "part": part, "rows": rows}))
    lines = tables.write(tmp_path).splitlines()
    assert "| --help | 50.0 | 60.0 |  |  | 3 |" in lines
    assert "| hundred.d | 100.0 | 100.0 | 20.0 | 5.0 | 1 |" in lines


def test_names_of_parts() -> None:
    assert Part("teardown", "6.1", 4, 1).name == "teardown-6.1-4cpus"
