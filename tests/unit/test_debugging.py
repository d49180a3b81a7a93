"""Options for who looks into dtpy itself: the verifier's log, core dumps. Each in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import can_load_programs

as_root = pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")


def dtpy(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dtrace_py", *arguments], capture_output=True, text=True, timeout=60)


@as_root
def test_the_verifiers_log() -> None:
    """bpflog: of every program, though nothing is wrong."""
    done = dtpy("-x", "bpflog", "-qn", "BEGIN { trace(1); exit(0); } END { trace(2); }")
    assert (done.stdout, done.returncode) == ("12\n", 0)
    lines = done.stderr.splitlines()
    assert all(line.startswith("BPF: ") for line in lines)
    assert [line for line in lines if line.startswith("BPF: program")] == ["BPF: program begin", "BPF: program end"]
    assert sum(line.startswith("BPF: processed ") for line in lines) == 2


@as_root
def test_a_log_that_does_not_fit() -> None:
    """bpflogsize."""
    done = dtpy("-x", "bpflog", "-x", "bpflogsize=200", "-qn", "BEGIN { trace(1); exit(0); }")
    assert (done.stdout, done.returncode) == ("1\n", 0)
    assert done.stderr == (
        "BPF: program begin\n"
        "BPF: what is said of it does not fit into 200 bytes (bpflogsize): No space left on device\n"
    )


def test_the_syntax_tree() -> None:
    """tree: of each source, by the bit of the first pass; there is no other."""
    words = ("-en", "int x; BEGIN /x == 1/ { x = 2 * 3; }")
    told = "Parse tree (Pass 1):\n(declare (x int))\n(clause BEGIN (when (== x 1)) (do (= x (* 2 3))))\n"
    assert dtpy("-x", "tree=7", *words).stderr == told
    assert dtpy("-x", "tree=2", *words).stderr == ""


FAILS = """
import sys
from dtrace_py import cli, session
from dtrace_py.errors import {error}
def fail(*_):
    raise {error}("something is wrong")
session.programs.compile_job = fail
sys.exit(cli.run(sys.argv[1:], sys.stdout.buffer, sys.stderr))
"""


def failing(error: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = FAILS.replace("{error}", error)
    if error == "RuntimeError":
        program = program.replace("from dtrace_py.errors import RuntimeError", "")
    words = [sys.executable, "-c", program, *arguments, "-en", "BEGIN"]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=folder, check=False)


@pytest.mark.parametrize("error", ["RuntimeError", "InternalError"])
def test_core(error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """core: what is wrong within dtpy ends it by a signal that dumps core; an error of the user does not."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    done = failing(error, tmp_path, "-x", "core")
    assert done.returncode == -signal.SIGABRT
    assert "something is wrong" in done.stderr
    assert failing(error, tmp_path).returncode == 1
    assert failing("UsageError", tmp_path, "-x", "core").returncode == 2
