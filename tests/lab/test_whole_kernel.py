"""Every function of the kernel at entry and return, under load, let go by one Ctrl-C."""

from __future__ import annotations

import re
from statistics import median

import pytest

from dtrace_py.kernel import bpf
from dtrace_py.lab.showcase import load
from dtrace_py.runtime.report import Cost
from tests.lab.accounting import check
from tests.lab.traced import Traced, floor, trace

# With load, and a breakpoint at each firing, a slow machine takes minutes for this: tests/lab/test_ftrace.py has it without.
pytestmark = pytest.mark.multi


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Traced, list[Cost]]:
    """``dtpy -n fbt:::`` for five seconds under load, the kernel counting the runs of programs; the floor before and after."""
    with load(), bpf.statistics():
        before = floor()
        traced = trace(["-x", "teardownreport", "-n", "fbt:::"], 5, tmp_path_factory.mktemp("whole"))
        return traced, [before, floor()]


@pytest.fixture(scope="module")
def whole(measured: tuple[Traced, list[Cost]]) -> Traced:
    return measured[0]


def test_it_matches_and_prints(whole: Traced) -> None:
    assert whole.status == 0, whole.stderr
    matched = re.search(r"^dtpy: description 'fbt:::' matched (\d+) probes$", whole.stderr, re.MULTILINE)
    assert matched
    assert int(matched[1]) >= 65_000
    assert whole.head.startswith(b"CPU     ID                    FUNCTION:NAME\n")
    line = rb" {1,2}\d {1,4}\d+ +[\w.$]+:(entry|return) "
    assert all(re.fullmatch(line, each) for each in whole.head.split(b"\n")[1:20])
    assert whole.tail.endswith(b" \n\n"), "the last record, and the newline of the end (U76)"


def test_results_come_before_the_teardown(whole: Traced) -> None:
    """All probes are inert in a moment; all is printed, and only then are they let go of, and the prompt is back."""
    report = whole.report
    assert report["inert_seconds"] < 0.05
    assert report["inert_seconds"] < report["results_seconds"] < report["restored_seconds"] < report["prompt_seconds"]


def test_teardown_is_near_the_floor(measured: tuple[Traced, list[Cost]]) -> None:
    whole, floors = measured
    detach = whole.report["detach"]
    print(f"\ndetach {detach}, floor {floors}")
    assert detach["seconds"] <= 1.5 * median(each.seconds for each in floors)
    assert detach["xcalls"] <= 1.5 * median(each.xcalls for each in floors)
    said = re.search(
        r"^dtpy: detached (\d+) probes \((\d+) links?\) in ([\d.]+) s, (\d+) xcalls \(([\d.]+) per probe\)$",
        whole.stderr,
        re.MULTILINE,
    )
    assert said
    assert int(said[1]) == whole.report["probes"]
    assert int(said[4]) == detach["xcalls"]


def test_every_firing_is_accounted_for(whole: Traced) -> None:
    records = whole.report["records"]
    check(whole.report)
    assert records["runs"] == records["kernel_runs"], "the kernel counts the same runs"
    assert records["fired"] == records["runs"], "one clause at every probe"
    assert whole.lines == records["consumed"] + 3, "heading, records, newlines for Ctrl-C (U77) and the end (U76)"
    assert records["recorded"] > 10_000
    assert records["missed"] > 0, "the kernel tells what its own guard against recursion kept from the program"
    said = sum(int(n) for n in re.findall(r"^dtpy: (\d+) drops? on CPU \d+$", whole.stderr, re.MULTILINE))
    assert said == records["dropped"]


def test_one_link(whole: Traced) -> None:
    assert whole.report["links"] in (1, 2), "one for both where the kernel has sessions, else one each"
    assert whole.report["probes"] == 2 * whole.report["functions"]
