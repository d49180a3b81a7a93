"""Tests in this folder attach to the kernel. They run in a guest of the lab, and nowhere else."""

from __future__ import annotations

import pytest

from tests.conftest import LAB


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not LAB:
            item.add_marker(pytest.mark.skip(reason="only in a guest of the lab: make test-lab"))
