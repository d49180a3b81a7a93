"""Programs of many clauses, which are functions: 200 of them load, and more than the kernel allows is said in words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import can_load_programs

pytestmark = pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")


def _run(clauses: int) -> subprocess.CompletedProcess[str]:
    """A program whose clauses each use a thread's variable, an aggregation and a name of the probe."""
    lines = [f"BEGIN {{ self->n += {n}; @a{n % 20}[probename] = quantize(self->n); }}" for n in range(clauses)]
    script = "\n".join(["self int n;", *lines, 'BEGIN { printf("%d\\n", self->n); exit(0); }', "END { trunc(@a0); }"])
    return _dtpy("-x", "strsize=4k", "-x", "aggsize=4m", "-qn", script)


def _dtpy(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dtrace_py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_two_hundred_clauses() -> None:
    done = _run(200)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{sum(range(200))}\n")


def test_more_functions_than_the_kernel_allows() -> None:
    done = _run(300)
    assert done.returncode == 1
    assert "the program is too large: begin has " in done.stderr
    assert done.stderr.endswith("the kernel allows 256\n")


def test_a_clause_with_more_instructions_than_a_jump_spans() -> None:
    """clang cuts such jumps short: where they lead to is not looked at."""
    each = 'a[{0}, "k{0}"] = {0}; self->s{0} = strjoin("x{0}", probename); printf("%d %s", a[{0}, "k{0}"], self->s{0});'
    done = _dtpy("-qn", "BEGIN { " + " ".join(each.format(number) for number in range(150)) + " exit(0); }")
    assert done.returncode == 1
    assert done.stderr == "dtpy: the program is too large: a clause comes to more than 32767 instructions\n"
