"""Attaching to functions the classic way, by kprobes: for kernels without fprobe, or where the exact instruction matters.

What makes kprobes slow to remove is what happens once for each of them: three grace periods, and a walk through the list
of all traceable functions. So hundreds share one event, one descriptor and one program; they stand just past the call
that ftrace patches, and on the instructions that leave a function; and grace periods are expedited meanwhile. What is left
is one word to each other CPU a probe.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import translate
from itertools import count
from pathlib import Path

from dtrace_py.errors import DtpyError, Interrupted
from dtrace_py.kernel import bpf, perf
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.record import record
from dtrace_py.runtime.guardian import Guardian

OPTIMIZER = Path("/proc/sys/debug/kprobes-optimization")
EXPEDITED = Path("/sys/kernel/rcu_expedited")
NORMAL = Path("/sys/kernel/rcu_normal")

_PER_EVENT = 256
"""The kernel compares each new probe of an event with all others of it."""

_FEW = 4_096
"""Up to so many, kprobes stay breakpoints: quicker to set and to remove than the jumps that the kernel would make of them.
With more of them a breakpoint takes long to find its probe in the kernel's table of 64 chains."""

_MANY = 16_384
"""With more of them the optimiser stays on while they are let go of: switched off, it makes breakpoints of all its jumps
before it lets anyone else run, and an emulated kernel takes that for a lockup."""

_LOOK = 32
"""Definitions between two looks at whether the user lost patience."""

_DYING_SECONDS = 600
"""How long the kernel may take to close the descriptors of a killed process: it does that without our haste."""

_REFUSED = (errno.EINVAL, errno.ENOENT, errno.EILSEQ, errno.EEXIST, errno.EOPNOTSUPP, errno.EADDRNOTAVAIL)

_ON_THE_WAY = """
    *text_poke* *kprobe* *int3* *insn* inat_* *_jump_* setup_detour_execution setup_singlestep do_sync_core
    *IPI* *_ipi *sysvec* *call_function* smp_call_* on_each_cpu* flush_tlb* *flush_smp* *switch_mm* load_new_mm_cr3 switch_ldt
    *cpu_idle* *_idle_* idle_cpu *_e400_idle local_touch_nmi tsc_verify* cpus_read_* nr_iowait_cpu cpuidle_* default_idle*
    tick_* irq_enter* irq_exit* *timer* *ktime_get* read_hpet *apic* clockevents_* timekeeping_* rcu_* __rcu_*
    mutex_* *_spin_* *cond_resched* update_rq_clock* *__get_locked_pte walk_to_pmd __msecs_to_jiffies *_load_avg* queue_*work*
    perf_event_text_poke *schedule*
"""
"""Functions that arming and removing a kprobe runs itself, as patterns: the last to be armed and the first to be removed,
so that the work is not slowed down by the very probes it is done for."""


@record
class Place:
    """Where a function is to be probed, as kprobe events write addresses; ``otherwise`` if the kernel takes none of those."""

    function: str
    points: tuple[str, ...]
    otherwise: str | None = None


@record
class Progress:
    """Who hears how far attaching is (probes done, of how many), and how many seconds it may take; and who may call it off."""

    tell: Callable[[int, int], object]
    expect: Callable[[float], object]
    interrupted: Callable[[], bool]


@dataclass(slots=True)
class Kprobes:
    """What has been attached: events, probes, and functions in which the kernel took no probe of a kind."""

    events: int = 0
    probes: int = 0
    refused: int = 0


@dataclass(slots=True, eq=False)
class _Event:
    """One kprobe event: its name, the program it runs, where its probes are to be, and how many are."""

    name: str
    program: int
    places: Sequence[Place]
    defined: int = 0


_ours: list[_Event] = []
"""The events of this process, while they are there."""
_numbers = count()


@contextmanager
def attached(
    programs: Mapping[str, int], places: Mapping[str, Sequence[Place]], progress: Progress
) -> Iterator[Kprobes]:
    """Kprobes for entry and return: by kind the program, and its places.

    Raises DtpyError if the kernel takes none of them, Interrupted if the user gives up, or OSError. What it changes in the
    kernel is taken back when the block ends, and by a guardian should this process be killed.
    """
    _remove_stale()
    events = _events(programs, places)
    _ours.extend(events)
    total = sum(len(event.places) for event in _ours)
    descriptors: list[int] = []
    with Guardian(_remove_abandoned) as guardian, guardian.changed({OPTIMIZER: "0"} if total <= _FEW else {}):
        try:
            made = _define_all(events, progress)
            for event in reversed(events):
                if event.defined:
                    number = int(Path(TRACEFS, f"events/{event.name}/id").read_text())
                    descriptors.append(perf.tracepoint(number))
                    descriptors.append(bpf.link_event(event.program, descriptors[-1], 0))
            yield made
        finally:
            # rcu_normal would overrule rcu_expedited. Switching the optimiser off makes its jumps breakpoints again hundreds
            # at a time, not one by one, which saves a third of the time.
            off = {OPTIMIZER: "0"} if total <= _MANY else {}
            with guardian.changed({EXPEDITED: "1", NORMAL: "0", **off}):
                for descriptor in reversed(descriptors):
                    os.close(descriptor)
                # In this order: an event goes only when nothing uses it.
                for event in events:
                    if event.defined:
                        _write(f"-:{event.name}\n")
                    _ours.remove(event)


def _events(programs: Mapping[str, int], places: Mapping[str, Sequence[Place]]) -> list[_Event]:
    """The events, in the order in which they are to be let go of."""
    on_the_way = re.compile("|".join(map(translate, _ON_THE_WAY.split()))).match
    events: list[tuple[int, _Event]] = []
    for kind, where in places.items():
        first = [place for place in where if on_the_way(place.function)]
        last = [place for place in where if not on_the_way(place.function)]
        for rank, some in enumerate((first, last)):
            for start in range(0, len(some), _PER_EVENT):
                name = f"dtpy_{os.getpid()}/{kind}{next(_numbers)}"
                events.append((rank, _Event(name, programs[kind], some[start : start + _PER_EVENT])))
    return [event for _, event in sorted(events, key=lambda each: each[0])]


def _define_all(events: Sequence[_Event], progress: Progress) -> Kprobes:
    """Define all probes of all events: one of each event first, because the kernel searches a list of all probes for an
    event that it is to add to, and stops at the first."""
    made = Kprobes()
    total, done = sum(len(event.places) for event in events), 0
    began = time.monotonic()
    rest = [iter(event.places) for event in events]
    for event, places in zip(events, rest, strict=True):
        while not event.defined and (place := next(places, None)):
            _define(event, place, made)
            done += 1
    progress.expect(_estimate((time.monotonic() - began) / max(1, done), total))
    for event, places in zip(events, rest, strict=True):
        for place in places:
            _define(event, place, made)
            done += 1
            if done % _LOOK == 0:
                progress.tell(done, total)
                if progress.interrupted():
                    raise Interrupted
    made.events = sum(event.defined > 0 for event in events)
    if not made.events:
        raise DtpyError("could not enable tracing: Failed to enable probe")
    return made


def _estimate(each: float, total: int) -> float:
    """Seconds to define and arm so many probes, when the first ones took so long each: the kernel searches longer with every
    one, and is slowed down by those that it runs into. Measured with 2,000, 9,157 and 34,207."""
    return total * each * (0.6 + total / 12_500)


def _define(event: _Event, place: Place, made: Kprobes) -> None:
    defined = sum(_add(event.name, point) for point in place.points)
    if not defined and place.otherwise:
        defined = int(_add(event.name, place.otherwise))
    event.defined += defined
    made.probes += defined
    made.refused += not defined


def _add(event: str, point: str) -> bool:
    """Define an event, or add a probe to it. False if the kernel takes none there."""
    try:
        _write(f"p:{event} {point}\n")
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        return False
    return True


def _remove_stale() -> None:
    """Remove events of dtpy processes that were killed, their guardian too, before they could do it themselves."""
    text = Path(TRACEFS, "kprobe_events").read_text()
    for owner in set(re.findall(r"^p\d*:dtpy_(\d+)/", text, re.MULTILINE)):
        if not Path(f"/proc/{owner}").exists():
            _remove(int(owner))


def _remove(owner: int) -> None:
    text = Path(TRACEFS, "kprobe_events").read_text()
    for name in dict.fromkeys(re.findall(rf"^p\d*:(dtpy_{owner}/\S+)", text, re.MULTILINE)):
        try:
            _write(f"-:{name}\n")
        except FileNotFoundError:  # another guardian of the same process was quicker
            pass


def _remove_abandoned(owner: int) -> None:
    """The same for a process that is just dying: its events are in use until the kernel has closed its descriptors."""
    deadline = time.monotonic() + _DYING_SECONDS
    while time.monotonic() < deadline:
        try:
            return _remove(owner)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            time.sleep(0.1)


def _write(line: str) -> None:
    descriptor = os.open(f"{TRACEFS}/kprobe_events", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
