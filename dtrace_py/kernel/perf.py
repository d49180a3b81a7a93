"""perf_event_open(2): timers, breakpoints, and tracepoints that stand for kprobe events (linux/perf_event.h)."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct

_SYS_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}[os.uname().machine]

_SOFTWARE, _TRACEPOINT, _BREAKPOINT = 1, 2, 5
_EXECUTE, _WORD = 4, 8
"""What a breakpoint is for, and the length that one for executing must have."""
_CPU_CLOCK = 0
_DISABLED = 1
_ANY_CPU, _ANY_THREAD, _THIS_THREAD = -1, -1, 0
_FLAG_CLOEXEC = 8
_IOC_ENABLE, _IOC_DISABLE = 0x2400, 0x2401

_libc = ctypes.CDLL(None, use_errno=True)


def timer(cpu: int, nanoseconds: int) -> int:
    """An event that comes every so many nanoseconds on a CPU, once it is enabled."""
    return _open(_SOFTWARE, _CPU_CLOCK, nanoseconds, cpu, _DISABLED)


def tracepoint(number: int) -> int:
    """An event for a tracepoint; a program linked to it runs on every CPU."""
    return _open(_TRACEPOINT, number, 1, 0, 0)


def breakpoint_at(cpu: int, address: int) -> int:
    """An event for each time that a CPU comes to an instruction of the kernel, by one of its debug registers, once it is
    enabled."""
    return _open(_BREAKPOINT, 0, 1, cpu, _DISABLED, (_EXECUTE, address, _WORD))


def breakpoint_of_thread(address: int) -> int:
    """The same for the calling thread, on any CPU, and enabled."""
    return _open(_BREAKPOINT, 0, 1, _ANY_CPU, 0, (_EXECUTE, address, _WORD), _THIS_THREAD)


def count(event: int) -> int:
    """How often an event has come."""
    found: int = struct.unpack("<Q", os.read(event, 8))[0]
    return found


def enable(event: int) -> None:
    """Start an event."""
    fcntl.ioctl(event, _IOC_ENABLE, 0)


def disable(event: int) -> None:
    """Stop an event."""
    fcntl.ioctl(event, _IOC_DISABLE, 0)


def _open(
    kind: int,
    config: int,
    period: int,
    cpu: int,
    flags: int,
    where: tuple[int, int, int] = (0, 0, 0),
    thread: int = _ANY_THREAD,
) -> int:
    # struct perf_event_attr up to its second version's end: type, size, config, sample_period, sample_type, read_format,
    # flags, wakeup_events, bp_type, bp_addr, bp_len.
    attributes = struct.pack("<IIQQQQQIIQQ", kind, 72, config, period, 0, 0, flags, 0, *where)
    buffer = ctypes.create_string_buffer(attributes, 72)
    result: int = _libc.syscall(_SYS_PERF_EVENT_OPEN, buffer, thread, cpu, -1, _FLAG_CLOEXEC)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
