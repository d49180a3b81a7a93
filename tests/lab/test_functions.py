"""One function that the kernel does not take, though it lists it, does not spoil the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtrace_py.errors import DtpyError
from dtrace_py.kernel import bpf
from dtrace_py.kernel.features import null_program
from dtrace_py.kernel.machine import Machine
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.runtime import functions

MACHINE = Machine()


def addresses() -> list[int]:
    """Of a few functions that can be traced."""
    names = ("vfs_read", "vfs_write", "vfs_open", "ksys_read", "ksys_write")
    places = [place for place, (name, _) in enumerate(MACHINE.fbt.functions) if name in names]
    return [address for place in places if (address := MACHINE.addresses.of(place)) is not None]


@pytest.mark.multi
@pytest.mark.parametrize("returns", [False, True])
def test_links(returns: bool) -> None:
    good = addresses()
    with bpf.owned(null_program(bpf.KPROBE_MULTI)) as program:
        bad = [good[0] + 1, good[-1] + 3]
        with functions.multi(program, [bad[0], *good, bad[1]], session=False, returns=returns) as (link, refused):
            assert refused == 2
            assert bpf.link_missed(link) == 0
            enabled = Path(TRACEFS, "enabled_functions").read_text().splitlines()
            assert len(enabled) == len(good)
        with pytest.raises(DtpyError, match="Failed to enable probe"), functions.multi(program, bad, False, returns):
            pass
    assert Path(TRACEFS, "enabled_functions").read_text() == ""


@pytest.mark.parametrize("kind", ["entry", "return"])
def test_events(kind: str) -> None:
    good = [MACHINE.symbols.probe_point(address) for address in addresses()]
    with bpf.owned(null_program(0)) as program:
        with functions.events({kind: program}, {kind: [good[0], "no_such_function", *good[1:]]}) as (count, refused):
            assert (count, refused) == (1, 1)
            assert len(Path(TRACEFS, "kprobe_events").read_text().splitlines()) == len(good)
        failing = functions.events({kind: program}, {kind: ["no_such_function"]})
        with pytest.raises(DtpyError, match="Failed to enable probe"), failing:
            pass
    assert Path(TRACEFS, "kprobe_events").read_text() == ""
