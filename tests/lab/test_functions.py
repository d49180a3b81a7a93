"""One function that the kernel does not take, though it lists it, does not spoil the others."""

from __future__ import annotations

import os
import signal
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
from tests.case import run, working
from tests.lab.traced import wait_until

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
    wait_until(lambda: OPTIMIZER.read_text() == "0\n" and len(defined()) == len(NAMES), 30)
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    wait_until(lambda: defined() == [] and settings() == before, 30)


@pytest.mark.events
def test_v87_arg0_is_the_offset_of_the_instruction_that_returned() -> None:
    """And thread-local variables are the same ones at system calls, though a breakpoint's handler counts as an interrupt."""
    place = next(n for n, (name, _) in enumerate(MACHINE.fbt.functions) if name == "vfs_read")
    address = MACHINE.addresses.of(place)
    assert address is not None
    with closing(Text()) as text:
        code = text.read(address, MACHINE.symbols.end(address) - address)
    leaving = points(code, address, MACHINE.symbols.return_thunks, MACHINE.symbols.is_separate).leaving
    program = (
        "syscall::read:entry / pid == $1 / { self->in = 1; }"
        'fbt::vfs_read:return / self->in && arg1 == 10 / { printf("%d", arg0); exit(0); }'
    )
    with working("read") as pid:
        outcome = run(["-qn", program, str(pid)])
    assert outcome.status == 0, outcome.stderr
    assert int(outcome.stdout) in [each - address for each in leaving]


def defined() -> list[str]:
    return Path(TRACEFS, "kprobe_events").read_text().splitlines()
