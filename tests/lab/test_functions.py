"""One function that the kernel does not take, though it lists it, does not spoil the others."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from dtrace_py.errors import DtpyError, Interrupted
from dtrace_py.kernel import bpf
from dtrace_py.kernel.features import null_program
from dtrace_py.kernel.machine import Machine
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.kernel.text import Text, points
from dtrace_py.runtime import kprobes, multi
from dtrace_py.runtime.kprobes import EXPEDITED, NORMAL, OPTIMIZER, Place, Progress

MACHINE = Machine()
NAMES = ("vfs_read", "vfs_write", "vfs_open", "ksys_read", "ksys_write")


def addresses() -> list[int]:
    """Of a few functions that can be traced."""
    places = [place for place, (name, _) in enumerate(MACHINE.fbt.functions) if name in NAMES]
    return [address for place in places if (address := MACHINE.addresses.of(place)) is not None]


def test_every_function_begins_where_the_kernel_says() -> None:
    """Addresses that follow from where the patchable calls are, without a look at the kernel's symbols."""
    found = {name: MACHINE.addresses.of(place) for place, (name, _) in enumerate(MACHINE.fbt.functions)}
    named = [(name, at) for name, at in found.items() if at is not None and name not in MACHINE.fbt.denied]
    assert len(named) > 30_000
    assert [name for name, at in named if not MACHINE.symbols.is_function(at)] == []


@pytest.mark.multi
@pytest.mark.parametrize("returns", [False, True])
def test_links(returns: bool) -> None:
    good = addresses()
    with bpf.owned(null_program(bpf.KPROBE_MULTI)) as program:
        bad = [good[0] + 1, good[-1] + 3]
        with multi.attached(program, [bad[0], *good, bad[1]], session=False, returns=returns) as (link, refused):
            assert refused == 2
            assert bpf.link_missed(link) == 0
            enabled = Path(TRACEFS, "enabled_functions").read_text().splitlines()
            assert len(enabled) == len(good)
        with pytest.raises(DtpyError, match="Failed to enable probe"), multi.attached(program, bad, False, returns):
            pass
    assert Path(TRACEFS, "enabled_functions").read_text() == ""


def places(names: Sequence[str], kind: str) -> list[Place]:
    """Where probes of these functions go."""
    compiled = [place for place, (name, _) in enumerate(MACHINE.fbt.functions) if name in names]
    found, symbols = [], MACHINE.symbols
    with closing(Text()) as text:
        for address in filter(None, map(MACHINE.addresses.of, compiled)):
            code = text.read(address, symbols.end(address) - address)
            where = points(code, address, symbols.return_thunks, symbols.is_separate)
            chosen = where.leaving if kind == "return" else [where.entry]
            found.append(Place(symbols.probe_point(address), tuple(map(symbols.probe_point, chosen))))
    return found


def progress(interrupted: Callable[[], bool] = lambda: False) -> Progress:
    return Progress(lambda done, total: None, lambda seconds: None, interrupted)


def settings() -> list[str]:
    return [path.read_text() for path in (OPTIMIZER, EXPEDITED, NORMAL) if path.exists()]


@pytest.mark.parametrize("kind", ["entry", "return"])
def test_kprobes(kind: str) -> None:
    good, before = places(NAMES, kind), settings()
    bad = Place("no_such_function", ("no_such_function",))
    with bpf.owned(null_program(0)) as program:
        with kprobes.attached({kind: program}, {kind: [good[0], bad, *good[1:]]}, progress()) as made:
            assert (made.events, made.refused) == (1, 1)
            assert len(defined()) == made.probes >= len(good)
            enabled = Path("/sys/kernel/debug/kprobes/list").read_text().splitlines()
            assert len(enabled) == made.probes
            assert not any("FTRACE" in line or "OPTIMIZED" in line for line in enabled), "the quick kind"
            assert OPTIMIZER.read_text() == "0\n"
        failing = kprobes.attached({kind: program}, {kind: [bad]}, progress())
        with pytest.raises(DtpyError, match="Failed to enable probe"), failing:
            pass
    assert defined() == []
    assert settings() == before


def test_the_user_gives_up() -> None:
    """Ctrl-C while probes are being defined: nothing is left."""
    names = [name for name, _ in MACHINE.fbt.functions if name.startswith("vfs_")]
    before = settings()
    with bpf.owned(null_program(0)) as program:
        made = kprobes.attached({"entry": program}, {"entry": places(names, "entry")}, progress(lambda: True))
        with pytest.raises(Interrupted), made:
            pass
    assert defined() == []
    assert settings() == before


def test_a_killed_process_leaves_nothing() -> None:
    """SIGKILL, which nobody can handle, while kprobes are attached: its guardian takes back what it changed."""
    before = settings()
    owner = os.fork()
    if owner == 0:
        with kprobes.attached({"entry": null_program(0)}, {"entry": places(NAMES, "entry")}, progress()):
            signal.pause()
    wait_until(lambda: OPTIMIZER.read_text() == "0\n" and len(defined()) == len(NAMES))
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    wait_until(lambda: defined() == [] and settings() == before)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def defined() -> list[str]:
    return Path(TRACEFS, "kprobe_events").read_text().splitlines()
