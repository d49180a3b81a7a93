"""Tests in this folder attach to the kernel. They run in a guest of the lab, and nowhere else."""

from __future__ import annotations

import os

import pytest

from dtrace_py.kernel.features import FunctionLinks, function_links
from dtrace_py.kernel.machine import Machine
from tests.conftest import LAB


def _links() -> FunctionLinks:
    """How this kernel attaches to functions."""
    machine = Machine()
    return function_links(machine.addresses.of(0) or 0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Outside the lab nothing runs here; inside, only what the kernel at hand is meant to show."""
    unfit: set[str] = set()
    if LAB:
        everywhere = "DTPY_EVERYWHERE" in os.environ
        unfit = {"events"} if _links().multi else {"multi"} if everywhere else {"multi", "once"}
    chosen: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        fits = LAB and not any(mark.name in unfit for mark in item.iter_markers())
        (chosen if fits else left).append(item)
    items[:] = chosen
    config.hook.pytest_deselected(items=left)
