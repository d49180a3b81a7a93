"""The kernel's own code, read from memory: where a kprobe can stand in a function (x86-64).

Nothing is decoded here. What looks like an instruction but is a part of another is refused by the kernel itself, which
decodes a function from its start before it takes a kprobe in the middle of it.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable

from dtrace_py.errors import DtpyError
from dtrace_py.record import record

_START = re.compile(rb"(?:\xf3\x0f\x1e\xfa|\x66\x0f\x1f\x00)?(?:\x0f\x1f\x44\x00\x00|\xe8....)", re.DOTALL)
"""endbr64 or the nop that takes its place, if the kernel has it; then the call that ftrace patches, 5 bytes of nop while
nobody traces the function."""

_LEAVING = re.compile(
    rb"""(?P<padded>\xc3\xcc)          # ret, with a trap behind it against speculation
       | (?P<ret>\xc3)
       | \xe9(?=(?P<jump>....))        # jmp: to the return thunk, or to another function
       | \xff[\xe0-\xe7]\xcc           # jmp *%reg, which a kernel without jump tables only leaves a function by
       | (?<!\xcc)\xcc(?=\xcc{4})      # a padded ret under somebody's kprobe
    """,
    re.DOTALL | re.VERBOSE,
)


class Text:
    """The memory of the kernel's code, from /proc/kcore, an ELF core file of the running kernel."""

    def __init__(self, path: str = "/proc/kcore") -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise DtpyError(
                f"cannot read the kernel's code, to place kprobes in it: {path}: {error.strerror}"
            ) from error
        header = os.pread(self._file, 64, 0)
        offset, _, _, size, count = struct.unpack_from("<QQIxxHH", header, 32)
        self._segments = []
        for number in range(count):
            kind, _, place, address, _, length = struct.unpack_from(
                "<IIQQQQ", os.pread(self._file, size, offset + number * size)
            )
            if kind == 1:  # PT_LOAD
                self._segments.append((address, length, place))

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the kernel's memory; none where it has none."""
        for start, length, place in self._segments:
            if start <= address < start + length:
                return os.pread(self._file, size, place + address - start)
        return b""

    def close(self) -> None:
        os.close(self._file)


@record
class Points:
    """Addresses in one function: behind its patchable call, and of each instruction that may leave it."""

    entry: int
    leaving: tuple[int, ...]


def points(code: bytes, address: int, thunks: frozenset[int], is_function: Callable[[int], bool]) -> Points:
    """Where kprobes go in a function, given its bytes and address.

    Behind the patchable call, arguments are still in their registers and the return address on top of the stack, but
    ftrace is not concerned: no list of all functions is searched when such a probe comes or goes. ``thunks`` are the
    addresses of the kernel's return thunks; ``is_function`` tells the start of a function that a jump can leave to.
    """
    start = _START.match(code)
    leaving = []
    for match in _LEAVING.finditer(code, start.end() if start else 0):
        place = address + match.start()
        if match["jump"]:
            target = place + 5 + struct.unpack("<i", match["jump"])[0]
            inside = address <= target < address + len(code)
            if target not in thunks and (inside or not is_function(target)):
                continue
        elif match["ret"] and thunks:  # this kernel's compiler pads its returns: this byte is a part of something else
            continue
        leaving.append(place)
    return Points(address + (start.end() if start else 0), tuple(leaving))
