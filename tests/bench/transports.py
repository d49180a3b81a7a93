"""The ways out of a BPF program that ``record`` compares: for each the C that leaves one record, and its reader.

Every record is the same: a header, a timestamp and four values. Readers work on mapped memory, without system calls: they
copy out what is complete and give the room back, so that a batch of records costs a few calls of Python.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from dtrace_py.kernel import bpf
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.runtime.loader import Module

RECORD_BYTES = 48
RING_BYTES = 4 << 20
"""Of each ring or buffer: dtpy's default."""

_CHUNK = 1 << 15
"""Records that a reader takes out at most at once."""


class Reader(Protocol):
    """The reading end of one ring."""

    def pending(self) -> int:
        """Bytes that wait to be read."""

    def drain(self) -> int:
        """Take out what is complete, up to a limit; returns how many records that was."""


@dataclass(frozen=True, slots=True)
class Transport:
    """``body`` is C that leaves one record from within a loop over n; ``readers`` gives one for each ring, in the order
    of the CPUs, or a single one that all CPUs share."""

    name: str
    title: str
    body: str
    readers: Callable[[Module, Sequence[int]], AbstractContextManager[list[Reader]]]
    before: str = ""
    """C that runs once, unmeasured, before the loop."""


class OurReader:
    """As runtime/ring.py reads, for records of one size: copied out, then zeroed, then the tail moved."""

    _HEAD, _TAIL, _DATA = 0, 8, 128

    def __init__(self, rings: bpf.MappedArray, cpu: int) -> None:
        self._view = rings.view[cpu * rings.stride : (cpu + 1) * rings.stride]
        self._words = self._view.cast("Q")

    def pending(self) -> int:
        return self._words[self._HEAD] - self._words[self._TAIL]

    def drain(self) -> int:
        tail = self._words[self._TAIL]
        first = tail % RING_BYTES
        # The last record before the end runs on into the slack.
        count = min(self.pending() // RECORD_BYTES, -(-(RING_BYTES - first) // RECORD_BYTES), _CHUNK)
        start = self._DATA + first
        headers = self._words[start // 8 : (start + count * RECORD_BYTES) // 8 : RECORD_BYTES // 8].tolist()
        if 0 in headers:
            count = headers.index(0)
        end = start + count * RECORD_BYTES
        self._view[start:end].tobytes()
        self._view[start:end] = bytes(end - start)
        self._words[self._TAIL] = tail + count * RECORD_BYTES
        return count


@contextmanager
def _our_readers(module: Module, cpus: Sequence[int]) -> Iterator[list[Reader]]:
    rings = bpf.MappedArray(module.map_fd("rings"))  # unmapped when the last reader goes
    yield [OurReader(rings, cpu) for cpu in cpus]


class RingbufReader:
    """linux/bpf.h's ring buffer: a page with the consumer's position, one with the producers', the data mapped twice."""

    _STRIDE = RECORD_BYTES + 8
    _BUSY = 1 << 31

    def __init__(self, descriptor: int) -> None:
        self._size = bpf.map_info(descriptor).entries
        self._consumer = memoryview(mmap.mmap(descriptor, mmap.PAGESIZE)).cast("Q")
        pages = mmap.PAGESIZE + 2 * self._size
        self._view = memoryview(mmap.mmap(descriptor, pages, prot=mmap.PROT_READ, offset=mmap.PAGESIZE))
        self._producer = self._view[: mmap.PAGESIZE].cast("Q")
        self._halves = self._view.cast("I")

    def pending(self) -> int:
        return self._producer[0] - self._consumer[0]

    def drain(self) -> int:
        count = min(self.pending() // self._STRIDE, _CHUNK)
        start = mmap.PAGESIZE + self._consumer[0] % self._size
        end = start + count * self._STRIDE
        lengths = self._halves[start // 4 : end // 4 : self._STRIDE // 4].tolist()
        if count and max(lengths) >= self._BUSY:
            count = next(n for n, length in enumerate(lengths) if length >= self._BUSY)
            end = start + count * self._STRIDE
        self._view[start:end].tobytes()
        self._consumer[0] += count * self._STRIDE
        return count


@contextmanager
def _shared_ringbuf(module: Module, cpus: Sequence[int]) -> Iterator[list[Reader]]:
    yield [RingbufReader(module.map_fd("shared"))]


@contextmanager
def _ringbuf_each(module: Module, cpus: Sequence[int]) -> Iterator[list[Reader]]:
    rings = {cpu: module.map_fd(f"ringbuf{cpu}") for cpu in cpus}
    for cpu, ring in rings.items():
        _set_element(module.map_fd("ringbufs"), cpu, ring)
    yield [RingbufReader(ring) for ring in rings.values()]


class PerfReader:
    """A perf buffer: a page with both positions, then the data (struct perf_event_mmap_page)."""

    _STRIDE = RECORD_BYTES + 16  # struct perf_event_header, u32 size, padding
    _HEAD, _TAIL = 1024 // 8, 1032 // 8
    _EVENT_BYTES = 112

    def __init__(self, cpu: int) -> None:
        self.event = self._open(cpu)

    @cached_property
    def _view(self) -> memoryview:
        """Mapped when it is first needed, because a process does not inherit this kind of mapping."""
        return memoryview(mmap.mmap(self.event, mmap.PAGESIZE + RING_BYTES))

    @cached_property
    def _words(self) -> memoryview:
        return self._view.cast("Q")

    def _open(self, cpu: int) -> int:
        """PERF_COUNT_SW_BPF_OUTPUT with raw samples. The reader is woken only at half full: nothing is spent on that."""
        software, bpf_output, raw, watermark = 1, 10, 1 << 10, 1 << 14
        fields = (software, self._EVENT_BYTES, bpf_output, 1, raw, 0, watermark, RING_BYTES // 2, 0, 0)
        attributes = ctypes.create_string_buffer(struct.pack("<IIQQQQQIIQ", *fields), self._EVENT_BYTES)
        number = {"x86_64": 298, "aarch64": 241}[os.uname().machine]
        event: int = ctypes.CDLL(None, use_errno=True).syscall(number, attributes, -1, cpu, -1, 8)
        if event < 0:
            raise OSError(ctypes.get_errno(), "perf_event_open")
        return event

    def pending(self) -> int:
        return self._words[self._HEAD] - self._words[self._TAIL]

    def drain(self) -> int:
        first = self._words[self._TAIL] % RING_BYTES
        count = min(self.pending(), RING_BYTES - first, _CHUNK * self._STRIDE) // self._STRIDE
        start = mmap.PAGESIZE + first
        self._view[start : start + count * self._STRIDE].tobytes()
        self._words[self._TAIL] += count * self._STRIDE
        return count


@contextmanager
def _perf_readers(module: Module, cpus: Sequence[int]) -> Iterator[list[Reader]]:
    readers = [PerfReader(cpu) for cpu in cpus]
    try:
        for cpu, reader in zip(cpus, readers, strict=True):
            _set_element(module.map_fd("perf"), cpu, reader.event)
        yield [*readers]
    finally:
        for reader in readers:
            os.close(reader.event)


def _set_element(map_: int, key: int, value: int) -> None:
    update = 2  # BPF_MAP_UPDATE_ELEM
    place, contents = ctypes.c_uint32(key), ctypes.c_uint32(value)
    bpf.call(update, struct.pack("<IIQQQ", map_, 0, ctypes.addressof(place), ctypes.addressof(contents), 0))


@contextmanager
def _printk_reader(module: Module, cpus: Sequence[int]) -> Iterator[list[Reader]]:
    """trace_pipe read by cat: what it cannot keep up with is overwritten, so nothing has to wait for it."""
    with subprocess.Popen(["cat", f"{TRACEFS}/trace_pipe"], stdout=subprocess.DEVNULL) as cat:
        yield []
        cat.kill()


@contextmanager
def _nothing(module: Module, cpus: Sequence[int]) -> Iterator[list[Reader]]:
    yield []


_FILL = """record->timestamp = bpf_ktime_get_ns();
        record->values[0] = n;
        record->values[1] = n + 1;
        record->values[2] = n + 2;
        record->values[3] = n + 3;"""

BARE = Transport("bare", "the timestamp alone", "bpf_ktime_get_ns();", _nothing)

_BEGIN = """struct firing f = {};

        if (!firing_begin(&f, 0, context, 1))
            return 0;"""

_OUR_RECORD = f"""f.frame->counts.enablings++;
        struct sample *record = record_reserve(&f, sizeof(*record));
        if (!record)
            continue;
        {_FILL}
        record_publish(&f, record, 0);"""

OURS = Transport("ours", "dtpy's ring, a whole firing", f"{_BEGIN}\n        {_OUR_RECORD}", _our_readers)

OURS_AGAIN = Transport("ours_again", "dtpy's ring, a firing's next record", _OUR_RECORD, _our_readers, before=_BEGIN)
"""What a second clause at the same probe costs: the gate was passed and the ring found for the first."""

_RINGBUF = f"""if (!record)
            continue;
        record->header = 1;
        {_FILL}
        bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);"""

PEERS = (
    Transport(
        "ringbuf_each",
        "BPF ringbuf, one per CPU",
        f"""u32 cpu = bpf_get_smp_processor_id();
        void *mine = ringbufs.lookup(&cpu);
        if (!mine)
            break;
        struct sample *record = bpf_ringbuf_reserve(mine, sizeof(*record), 0);
        {_RINGBUF}""",
        _ringbuf_each,
    ),
    Transport(
        "ringbuf",
        "BPF ringbuf, shared",
        f"""struct sample *record = shared.ringbuf_reserve(sizeof(*record));
        {_RINGBUF}""",
        _shared_ringbuf,
    ),
    Transport(
        "perf_output",
        "perf_event_output",
        f"""struct sample sample = {{1}}, *record = &sample;
        {_FILL}
        perf.perf_submit(context, record, sizeof(*record));""",
        _perf_readers,
    ),
)

PRINTK = Transport(
    "trace_printk",
    "bpf_trace_printk",
    """bpf_trace_printk("%lx %x %x\\n", bpf_ktime_get_ns(), n, n + 1);""",
    _printk_reader,
)
"""Three numbers are the most that it prints. It is noted in tracefs, so it is never tried outside a guest."""


def header(cpus: int) -> str:
    """The declarations that the programs of all transports need."""
    pages = RING_BYTES // mmap.PAGESIZE
    rings = "".join(f"BPF_RINGBUF_OUTPUT(ringbuf{cpu}, {pages});\n" for cpu in range(cpus))
    return f"""#define CPUS {cpus}
#define PROGRAMS 1
#define PAGE_SIZE {mmap.PAGESIZE}
#define RING_BYTES {RING_BYTES}
#define RING_SLACK {RECORD_BYTES}

#include "linkage.h"
#include "ring.h"

struct temporaries {{
}} __attribute__((aligned(8)));

#include "firing.h"
#include "record.h"

struct sample {{
    u64 header;
    u64 timestamp;
    u64 values[4];
}};

BPF_PERF_OUTPUT(perf);
BPF_RINGBUF_OUTPUT(shared, {pages});
{rings}BPF_ARRAY_OF_MAPS(ringbufs, "ringbuf0", {cpus});
"""
