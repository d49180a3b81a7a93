"""What a record costs: dtpy's ring against the kernel's ways out of a program, by BPF_PROG_TEST_RUN. Nothing is attached.

Each program leaves RECORDS records in a loop, and returns the nanoseconds that this took by the kernel's own clock. One
process a CPU runs it over and over, all at the same time; this process reads meanwhile, on a further CPU if there is one. A
producer waits, unmeasured, while its ring is half full, so that no record is lost; it is checked that none was.

dtpy's figure is that of a whole firing: the gate, finding the ring, and the counting of what became of it are in it. A
second one is without gate and finding, as for a second clause at the same probe.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import ExitStack, closing, contextmanager
from multiprocessing import get_context
from multiprocessing.sharedctypes import RawArray
from multiprocessing.synchronize import Barrier
from statistics import median
from typing import Any

from dtrace_py.codegen.layout import ProgramLayout, Unit
from dtrace_py.kernel import bpf, cpus
from dtrace_py.runtime.control import Control
from dtrace_py.runtime.loader import Module
from tests.bench.transports import (
    BARE,
    OURS,
    OURS_AGAIN,
    PEERS,
    PRINTK,
    RECORD_BYTES,
    RING_BYTES,
    Reader,
    Transport,
    header,
)

RECORDS = 512
"""Records a run of a program: the verifier walks through every one of them."""

_MOST_SAMPLES = 1 << 17
"""Runs of a program, in one process, that there is room to note."""

_NAP = 0.001
"""Seconds that the reader rests between two looks at the rings, in which a quarter of one may fill."""


def measure(seconds: float, rounds: int, printk: bool) -> list[dict[str, Any]]:
    """Every transport in turn, at 1, 2, 4, ... CPUs, round after round, for about so many seconds in all."""
    online = cpus.online()
    transports = [BARE, OURS, OURS_AGAIN, *PEERS, *([PRINTK] if printk else [])]
    widths, rows = _widths(len(online)), []
    share = seconds / rounds / len(widths) / len(transports)
    with _loaded(transports, online[-1] + 1) as module:
        for number in range(rounds):
            for width in widths:
                for transport in transports:
                    row = _run(module, transport, online[:width], online[width:] or online, share)
                    rows.append({"round": number, "transport": transport.name, "cpus": width, **row})
    return rows


def _widths(most: int) -> list[int]:
    return [1 << n for n in range(most.bit_length())]


@contextmanager
def _loaded(transports: Sequence[Transport], cpus: int) -> Iterator[Module]:
    """All programs in one unit, with the gate open."""
    text = header(cpus) + "".join(_program(transport) for transport in transports)
    programs = tuple(ProgramLayout(transport.name, 0, True) for transport in transports)
    with Module(Unit(text, programs, {}, (), RECORD_BYTES)) as module, ExitStack() as stack:
        for program in programs:
            module.load(program)
        Control(stack.enter_context(closing(bpf.MappedArray(module.map_fd("control"))))).open_gate()
        yield module


def _program(transport: Transport) -> str:
    return f"""
/* {transport.title} */
int {transport.name}(struct bpf_raw_tracepoint_args *context)
{{
    {transport.before}
    u64 began = bpf_ktime_get_ns();
#pragma clang loop unroll(disable)
    for (u32 n = 0; n < {RECORDS}; n++) {{
        {transport.body}
    }}
    return bpf_ktime_get_ns() - began;
}}
"""


def _run(
    module: Module, transport: Transport, producers: Sequence[int], others: Sequence[int], seconds: float
) -> dict[str, Any]:
    """Nanoseconds a record of one transport, on all producers at once; ``others`` is where the reader may run."""
    program = module.load(ProgramLayout(transport.name, 0, True))
    context = get_context("fork")
    barrier = context.Barrier(len(producers))
    with transport.readers(module, producers) as readers:
        rings = _for_each(readers, producers)
        runs = [_Producer(program, cpu, reader) for cpu, reader in zip(producers, rings, strict=True)]
        processes = [context.Process(target=run.produce, args=(barrier, seconds)) for run in runs]
        for process in processes:
            process.start()
        os.sched_setaffinity(0, others)
        consumed = 0
        while any(process.is_alive() for process in processes):
            time.sleep(_NAP)
            consumed += _drain(readers)
        os.sched_setaffinity(0, cpus.online())
        while taken := _drain(readers):
            consumed += taken
    made = RECORDS * sum(run.count[0] for run in runs)
    if any(process.exitcode for process in processes) or (readers and consumed != made):
        raise AssertionError(f"{transport.title}: {made} records made, {consumed} read")
    samples = sorted(sample for run in runs for sample in run.samples[: run.count[0]])
    return {
        "best": round(samples[0], 2),
        "median": round(median(samples), 2),
        "samples": len(samples),
        "busy": round(sum(samples) * RECORDS / 1e9 / seconds / len(producers), 2),
    }


def _for_each(readers: Sequence[Reader], producers: Sequence[int]) -> Iterator[Reader | None]:
    """The reader whose ring each producer fills: its own, or the one that all share."""
    for place in range(len(producers)):
        yield readers[min(place, len(readers) - 1)] if readers else None


def _drain(readers: Sequence[Reader]) -> int:
    return sum(reader.drain() for reader in readers)


class _Producer:
    """A process that runs a program on one CPU. What it measures is in memory that it shares with its parent."""

    def __init__(self, program: int, cpu: int, reader: Reader | None) -> None:
        self.program, self.cpu, self.reader = program, cpu, reader
        self.samples: MutableSequence[float] = RawArray("d", _MOST_SAMPLES)
        self.count: MutableSequence[int] = RawArray("Q", 1)

    def produce(self, barrier: Barrier, seconds: float) -> None:
        """Wait for the other producers, then run the program until the time is over."""
        os.sched_setaffinity(0, {self.cpu})
        barrier.wait()
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.count[0] < _MOST_SAMPLES:
            while self.reader and self.reader.pending() > RING_BYTES // 2:
                time.sleep(0)
            self.samples[self.count[0]] = bpf.test_run(self.program) / RECORDS
            self.count[0] += 1
