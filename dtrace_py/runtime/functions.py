"""Attaching to functions: one link for all of them where the kernel has such links, kprobe events where not.

Letting go of a link is closing one descriptor, however many functions it has. Kprobe events are the classic way: many
probes share one event, one descriptor and one program, so that what is slow in the kernel happens once an event.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dtrace_py.errors import DtpyError
from dtrace_py.kernel import bpf, perf
from dtrace_py.kernel.requirements import TRACEFS

EVENT_LIMIT = 500
"""Most functions that are enabled through kprobe events: beyond that, this way of attaching takes minutes."""

_NONE = "could not enable tracing: Failed to enable probe"

_PER_EVENT = 128
"""The kernel refuses more probes in one event than fit its list of siblings quickly; and a group shares one program."""


@contextmanager
def multi(program: int, addresses: Sequence[int], session: bool, returns: bool) -> Iterator[tuple[int, int]]:
    """One link over all functions: entry, or with ``returns`` return, or both in a ``session``.

    Yields the link, and how many functions the kernel refused. Raises DtpyError if it takes none of them, OSError if it has
    other reasons.
    """
    attach_type = bpf.KPROBE_SESSION if session else bpf.KPROBE_MULTI
    good = addresses
    try:
        link = _link(program, attach_type, addresses, returns)
    except OSError as error:
        if error.errno not in (errno.ESRCH, errno.EINVAL, errno.ENOENT):
            raise
        good = _attachable(program, attach_type, addresses, returns)
        if not good:
            raise DtpyError(_NONE) from error
        link = _link(program, attach_type, good, returns)
    with bpf.owned(link):
        yield link, len(addresses) - len(good)


def _link(program: int, attach_type: int, addresses: Sequence[int], returns: bool) -> int:
    packed = array("Q", addresses)
    return bpf.link_functions(program, attach_type, (ctypes.c_uint64 * len(packed)).from_buffer(packed), returns)


def _attachable(program: int, attach_type: int, addresses: Sequence[int], returns: bool) -> list[int]:
    """The addresses that a link accepts: one bad one spoils the whole, so halves are tried until it is found."""
    if not addresses:
        return []
    try:
        os.close(_link(program, attach_type, addresses, returns))
    except OSError:
        if len(addresses) == 1:
            return []
        middle = len(addresses) // 2
        return [
            good
            for half in (addresses[:middle], addresses[middle:])
            for good in _attachable(program, attach_type, half, returns)
        ]
    return list(addresses)


# The classic way


@contextmanager
def events(programs: Mapping[str, int], points: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Kprobe events for entry and return: by kind the program, and where its functions are as the kernel writes it.

    Yields the number of events, and how many functions the kernel refused. Raises DtpyError if it takes none, or OSError.
    """
    _remove_stale()
    group = f"dtpy_{os.getpid()}"
    descriptors: list[int] = []
    made: list[str] = []
    refused = 0
    try:
        for kind, where in points.items():
            for start in range(0, len(where), _PER_EVENT):
                name, some = f"{group}/{kind}{start // _PER_EVENT}", where[start : start + _PER_EVENT]
                made.append(name)
                defined = sum(_define(name, "r" if kind == "return" else "p", point) for point in some)
                refused += len(some) - defined
                if not defined:
                    continue
                event = perf.tracepoint(int(Path(TRACEFS, f"events/{name}/id").read_text()))
                descriptors.append(event)
                descriptors.append(bpf.link_event(programs[kind], event, 0))
        if not descriptors:
            raise DtpyError(_NONE)
        yield len(made), refused
    finally:
        # In this order: the event goes only when nothing uses it.
        for descriptor in reversed(descriptors):
            os.close(descriptor)
        _delete(made)


def _define(event: str, letter: str, point: str) -> bool:
    """Define an event, or add a function to it. False if the kernel refuses the function."""
    try:
        _write(f"{letter}:{event} {point}\n")
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOENT, errno.EILSEQ):
            raise
        return False
    return True


def _delete(names: Sequence[str]) -> None:
    existing = _existing()
    for name in names:
        if name in existing:
            _write(f"-:{name}\n")


def _existing() -> set[str]:
    return set(re.findall(r"^[pr]\d*:(\S+)", Path(TRACEFS, "kprobe_events").read_text(), re.MULTILINE))


def _remove_stale() -> None:
    """Remove events of dtpy processes that were killed before they could do it themselves."""
    stale = []
    for name in _existing():
        match = re.match(r"dtpy_(\d+)/", name)
        if match and not Path(f"/proc/{match[1]}").exists():
            stale.append(name)
    _delete(stale)


def _write(line: str) -> None:
    descriptor = os.open(f"{TRACEFS}/kprobe_events", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
