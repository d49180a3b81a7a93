"""bcc's compilation does not see the kernel's symbols, and nobody else loses sight of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtrace_py.runtime import apart
from dtrace_py.runtime.loader import bpf_directory
from tests.conftest import can_load_programs

SYMBOLS = Path("/proc/kallsyms")
SHORT = bpf_directory() / "include" / "kallsyms"


@pytest.mark.skipif(not can_load_programs(), reason="needs root")
def test_another_file_stands_in_for_one_call() -> None:
    assert apart.call(SYMBOLS.read_text, SHORT) == SHORT.read_text()
    assert len(SYMBOLS.read_text()) > len(SHORT.read_text())


def test_what_the_call_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        apart.call(lambda: 1 // 0, SHORT)


def test_without_the_file_nothing_is_replaced(tmp_path: Path) -> None:
    """Only the beginning is compared: programs that other tests load come and go at the end."""
    beginning = SYMBOLS.read_text()[:100_000]
    assert apart.call(SYMBOLS.read_text, tmp_path / "missing").startswith(beginning)
