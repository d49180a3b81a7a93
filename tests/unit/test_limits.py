"""Limits of the kernel: what goes beyond them is refused in words of D."""

from __future__ import annotations

from tests.case import run


def aggregations(count: int) -> str:
    return "BEGIN { " + " ".join(f"@a{number} = count();" for number in range(count)) + " }"


def test_most_aggregations_of_a_program() -> None:
    outcome = run(["-Sen", aggregations(51)])
    assert outcome.status == 1
    assert outcome.stderr.endswith(
        "more than 50 aggregations at the same probes: the kernel allows a program 64 maps\n"
    )
    assert run(["-Sen", aggregations(50)]).status == 0
