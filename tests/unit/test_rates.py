"""Rates out of bounds (contract X10, U55)."""

from __future__ import annotations

import pytest

from dtrace_py import rates
from dtrace_py.options import Options


@pytest.mark.parametrize(
    ("name", "value", "had", "said"),
    [
        ("cleanrate", "101hz", 9_900_990, []),
        ("cleanrate", "5000hz", 200_000, []),
        ("cleanrate", "1min", 60 * 10**9, []),
        ("cleanrate", "10000hz", 200_000, ["cleaning rate reduced to 5000 hz"]),
        ("cleanrate", "2min", 60 * 10**9, ["cleaning rate increased to once every 60 seconds"]),
        ("cleanrate", "0hz", 60 * 10**9, ["cleaning rate reduced to once every 60 seconds"]),
        ("statusrate", "10sec", 10 * 10**9, []),
        ("statusrate", "11sec", 10 * 10**9, ["status rate increased to once every 10 seconds"]),
        ("statusrate", "1hz", 10**9, []),
        ("statusrate", "1ns", 1, []),
    ],
)
def test_bounds(name: str, value: str, had: int, said: list[str]) -> None:
    options = Options()
    options.set(name, value)
    assert rates.interval(options, name) == had
    assert list(rates.changed(options)) == said
