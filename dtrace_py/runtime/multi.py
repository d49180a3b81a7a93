"""Attaching to functions by links: one descriptor for all of them, and letting go is closing it."""

from __future__ import annotations

import ctypes
import errno
import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dtrace_py.errors import DtpyError
from dtrace_py.kernel import bpf

_NONE = "could not enable tracing: Failed to enable probe"


@contextmanager
def attached(program: int, addresses: Sequence[int], session: bool, returns: bool) -> Iterator[tuple[int, int]]:
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
