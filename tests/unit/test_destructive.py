"""Signals that clauses send: to dtpy itself here, which is the current process of BEGIN. A process of its own, so that the
test's threads do not get them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import can_load_programs

pytestmark = pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")


def dtpy(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dtrace_py", *arguments], capture_output=True, text=True, timeout=60)


def test_raise_ends_tracing() -> None:
    """A41, U77: SIGINT ends it as ^C does."""
    done = dtpy("-wqn", 'BEGIN { raise(SIGINT); trace("raised"); } END { trace(" ended"); }')
    assert (done.stdout, done.stderr, done.returncode) == ("raised\n ended\n", "", 0)


def test_raise_kills() -> None:
    """A41."""
    done = dtpy("-wqn", "BEGIN { raise(SIGKILL); }")
    assert done.returncode == -9
