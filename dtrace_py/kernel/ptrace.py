"""ptrace(2), as far as it takes to hold a process, to follow it to its end, and to let go of it (x86-64).

All calls for a process must come from the one thread that seized it.
"""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from typing import NamedTuple

_PEEK_TEXT, _PEEK_USER, _POKE_TEXT, _POKE_USER, _CONT, _STEP = 1, 3, 4, 6, 7, 9
_SEIZE, _LISTEN = 0x4206, 0x4208
_TRACE_EXEC, _TRACE_EXIT = 1 << 4, 1 << 6
_EVENT_EXEC, _EVENT_EXIT, _EVENT_STOP = 4, 6, 128
_ALL_CHILDREN = 0x40000000
_TRAP = 5
_RIP, _RDI = 16 * 8, 14 * 8
"""Offsets of registers in struct user."""

_BREAKPOINT = 0xCC


class Gone(Exception):
    """The process is no more, or is no longer ours; ``status`` is how it ended, if that was told."""

    def __init__(self, status: int | None = None) -> None:
        self.status = status


class Stop(NamedTuple):
    """Why a process has stopped or ended."""

    status: int | None = None
    """How it ended, as os.waitpid() tells it."""
    signal: int = 0
    """The signal that is about to be delivered to it, or that has stopped it."""
    execed: bool = False
    exiting: bool = False
    grouped: bool = False
    """It is stopped as a whole, by job control."""


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype = ctypes.c_long
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    return libc


def _ptrace(request: int, process: int, address: int = 0, data: int = 0) -> int:
    ctypes.set_errno(0)
    result: int = _libc().ptrace(request, process, address, data & (1 << 64) - 1)
    if result == -1 and (number := ctypes.get_errno()):
        if number == errno.ESRCH:
            raise Gone
        raise OSError(number, os.strerror(number))
    return result


def seize(process: int) -> None:
    """Follow a process, without stopping it. Raises OSError, or Gone."""
    _ptrace(_SEIZE, process, 0, _TRACE_EXEC | _TRACE_EXIT)


def go_on(process: int, signal: int = 0) -> None:
    """Let a stopped process run, with a signal if one is given."""
    _ptrace(_CONT, process, 0, signal)


def stay(process: int) -> None:
    """Leave a process stopped that job control has stopped, until something continues it."""
    _ptrace(_LISTEN, process)


def wait(process: int) -> Stop | None:
    """What happens next to a process; None if a signal to this thread came first. Raises Gone."""
    status = ctypes.c_int()
    if _libc().waitpid(process, ctypes.byref(status), _ALL_CHILDREN) < 0:
        if ctypes.get_errno() == errno.EINTR:
            return None
        raise Gone
    return _stop(status.value)


def _stop(status: int) -> Stop:
    if not os.WIFSTOPPED(status):
        return Stop(status=status)
    event, signal = status >> 16, os.WSTOPSIG(status)
    if event == _EVENT_STOP:
        return Stop(grouped=signal != _TRAP)  # else it is about to go on after that
    return Stop(signal=0 if event else signal, execed=event == _EVENT_EXEC, exiting=event == _EVENT_EXIT)


def run_to(process: int, addresses: list[int]) -> int | None:
    """Let a stopped process run until it comes to one of these addresses, and stop there; returns which. None if it has
    stopped before, because it exits or is another program now.

    Signals that come on the way are delivered. Raises Gone if it has ended.
    """
    if _register(process, _RIP) in addresses:
        _ptrace(_STEP, process)
        _next(process)
    before = {address: _ptrace(_PEEK_TEXT, process, address) for address in addresses}
    for address, code in before.items():
        _ptrace(_POKE_TEXT, process, address, code & ~0xFF | _BREAKPOINT)
    signal = 0
    while True:
        go_on(process, signal)
        stop = _next(process)
        if stop.exiting or stop.execed:
            return None
        at = _register(process, _RIP) - 1
        if stop.signal == _TRAP and at in before:
            break
        signal = 0 if stop.grouped else stop.signal
    for address, code in before.items():
        _ptrace(_POKE_TEXT, process, address, code)
    _ptrace(_POKE_USER, process, _RIP, at)
    return at


def _next(process: int) -> Stop:
    """The next stop. Raises Gone if the process ends instead."""
    while True:
        if stop := wait(process):
            if stop.status is not None:
                raise Gone(stop.status)
            return stop


def _register(process: int, offset: int) -> int:
    return _ptrace(_PEEK_USER, process, offset) & (1 << 64) - 1


def first_argument(process: int) -> int:
    """The first argument of the function that a stopped process has just entered."""
    return _register(process, _RDI)


def word(process: int, address: int) -> int:
    """Eight bytes of a stopped process's memory."""
    return _ptrace(_PEEK_TEXT, process, address) & (1 << 64) - 1
