"""How large buffers become, and what is said of it (contract 10.3, 10.5, X10)."""

from __future__ import annotations

import pytest

from dtrace_py import buffers
from dtrace_py.errors import DtpyError
from dtrace_py.kernel.machine import Machine
from dtrace_py.option_kinds import size_text
from dtrace_py.options import Options
from tests.case import run
from tests.conftest import can_load_programs


def options(**values: str) -> Options:
    made = Options()
    for name, text in values.items():
        made.set(name, text)
    return made


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (512 << 10, "512k"),
        (2 << 20, "2m"),
        (1 << 30, "1g"),
        (2560 << 10, "2560k"),
        (1000, "1000 bytes"),
        (0, "0 bytes"),
    ],
)
def test_sizes_as_people_read_them(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(("bufsize", "ring"), [(0, 4096), (1, 4096), (4096, 4096), (4097, 8192), (5 << 20, 8 << 20)])
def test_a_ring_is_a_power_of_two(bufsize: int, ring: int) -> None:
    assert buffers.ring_bytes(bufsize) == ring


def test_buffers_are_halved_until_they_fit() -> None:
    assert buffers.fitting(options(bufsize="5m"), 4, lambda: 128 << 20) == 5 << 20
    assert buffers.fitting(options(bufsize="5m"), 4, lambda: 127 << 20) == 2560 << 10
    assert buffers.fitting(options(bufsize="5m"), 4, lambda: 0) <= 4096, "the smallest is always had"
    assert buffers.fitting(options(bufsize="100"), 4, lambda: 0) == 100
    assert buffers.lowered(options(bufsize="5m"), "bufsize", 2560 << 10) == "buffer size lowered to 2560k"
    assert buffers.lowered(options(bufsize="5m"), "bufsize", 5 << 20) is None
    assert buffers.lowered(options(bufsize="1001"), "bufsize", 1000) is None, "up to 8 bytes are not worth a word"


def test_a_ring_is_no_larger_than_the_verifier_lets_it_be() -> None:
    assert buffers.fitting(options(bufsize="2g"), 1, lambda: 1 << 50) == 512 << 20


def test_dynamic_variables_are_halved_too() -> None:
    assert buffers.fitting_variables(options(dynvarsize="1g"), lambda: 1 << 30) == 32 << 20
    assert buffers.fitting_variables(options(dynvarsize="1g"), lambda: 1 << 50) == 256 << 20
    assert buffers.fitting_variables(options(dynvarsize="1k"), lambda: 0) == 1024
    told = buffers.lowered(options(dynvarsize="1g"), "dynvarsize", 256 << 20)
    assert told == "dynamic variable size lowered to 256m"
    with pytest.raises(DtpyError, match=r"Cannot allocate memory; try a smaller dynvarsize$"):
        buffers.fitting_variables(options(dynvarsize="1g", bufresize="manual"), lambda: 1 << 30)


def test_manual_fails_instead() -> None:
    manual = options(bufsize="5m", bufresize="manual")
    assert buffers.fitting(manual, 4, lambda: 128 << 20) == 5 << 20
    with pytest.raises(DtpyError, match=r"^could not enable tracing: Cannot allocate memory; try a smaller buffer"):
        buffers.fitting(manual, 4, lambda: 127 << 20)


@pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")
def test_the_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "available_memory", lambda _: 0)
    outcome = run(["-q", "-b", "1m", "-n", "BEGIN { trace(1); exit(0); }"])
    assert (outcome.stdout, outcome.stderr) == (
        "1\n",
        "dtpy: buffer size lowered to 4k\ndtpy: dynamic variable size lowered to 4k\n",
    )
    outcome = run(["-q", "-b", "1m", "-x", "bufresize=manual", "-n", "BEGIN { exit(0); }"])
    assert outcome.status == 1
    assert outcome.stderr.startswith("dtpy: could not enable tracing: Cannot allocate memory")
