"""Standard files that the caller has closed, or that cannot be written to."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import can_load_programs

pytestmark = pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")

PROGRAM = 'BEGIN { system("cat"); printf("x"); exit(4); }'


@pytest.mark.parametrize(
    ("redirections", "status", "stdout", "stderr"),
    [
        ("<&-", 4, "x\n\n", "dtpy: description 'BEGIN ' matched 1 probe\ndtpy: allowing destructive actions\n"),
        ("</dev/null 2>&-", 4, "x\n\n", ""),
        ("</dev/null 2>/dev/full", 4, "x\n\n", ""),
        ("</dev/null >&-", 1, "", "dtpy: failed to write to stdout\n"),
        ("<&- >&- 2>&-", 1, "", ""),
    ],
)
def test_closed(redirections: str, status: int, stdout: str, stderr: str) -> None:
    words = ["sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, "-m", "dtrace_py", "-wn", PROGRAM]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status
    assert done.stdout.endswith(stdout)
    assert done.stderr.endswith(stderr)
