"""How large the rings are, and whether that will do (contract 10.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dtrace_py.errors import DtpyError
from dtrace_py.option_kinds import size_text
from dtrace_py.options import Options

_SMALLEST = 4096

_LARGEST = 1 << 29
"""A CPU's ring at most: the verifier knows no larger offset (BPF_MAX_VAR_OFF)."""

_SHARE = 4
"""The rings may take one part in so many of the memory there is. The kernel would give them all of it: it does not refuse
them the last page, but then kills somebody to get it."""

_OVERHEAD = 8
"""What the kernel takes for a small element of a hash map, by the byte of it, about."""

_MOST_VARIABLES = 1 << 28
"""The room of a dynamic variable at most: the kernel counts a map's bytes in 32 bits."""


def ring_bytes(bufsize: int) -> int:
    """Bytes of a CPU's ring: a power of two, so that positions become offsets by a mask."""
    return max(_SMALLEST, 1 << (bufsize - 1).bit_length())


def fitting(options: Options, cpus: int, available: Callable[[], int]) -> int:
    """The bufsize that there is memory for (X24). Raises DtpyError if it may not be lowered."""
    size = options.number("bufsize")
    most = min(available() // _SHARE, _LARGEST * cpus)
    while ring_bytes(size) * cpus > most and ring_bytes(size) > _SMALLEST:
        if options.word("bufresize") == "manual":
            raise DtpyError("could not enable tracing: Cannot allocate memory; try a smaller buffer (-b)")
        size = size // 2 & ~7
    return size


def fitting_variables(options: Options, available: Callable[[], int]) -> int:
    """The same for dynvarsize, the room of a dynamic variable."""
    size, most = options.number("dynvarsize"), min(available() // _SHARE // _OVERHEAD, _MOST_VARIABLES)
    while size > max(most, _SMALLEST):
        if options.word("bufresize") == "manual":
            raise DtpyError("could not enable tracing: Cannot allocate memory; try a smaller dynvarsize")
        size = size // 2 & ~7
    return size


def lowered(options: Options, name: str, had: int) -> str | None:
    """What to say if a size came out smaller than was asked for (X10)."""
    return f"{_NAMES[name]} lowered to {size_text(had)}" if options.number(name) - had > 8 else None


_NAMES = {"bufsize": "buffer size", "dynvarsize": "dynamic variable size"}


def check(options: Options, bufsize: int, records: Iterable[int], end_records: Iterable[int]) -> None:
    """Raise DtpyError if a record has no room (X25), or END's under bufpolicy=fill have none together (X21)."""
    if options.word("bufpolicy") == "fill" and sum(end_records) > bufsize:
        raise DtpyError("could not enable tracing: END enablings exceed size of principal buffer")
    if max(records, default=0) > bufsize:
        raise DtpyError("could not enable tracing: Enabling exceeds size of buffer")
