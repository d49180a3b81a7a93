"""Physical memory out of a dump: an ELF core as QEMU's dump-guest-memory writes it."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import NamedTuple

from dtrace_py.errors import DtpyError
from dtrace_py.record import record

PAGE = 4096

_ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_NOTE_HEADER = struct.Struct("<III")
_ELF_64_LITTLE = b"\x7fELF\x02\x01"
_CORE, _X86_64, _LOAD, _NOTE = 4, 62, 1, 4
_EXTENDED = 0xFFFF
"""A number of program headers that does not fit and stands elsewhere."""

# QEMUCPUState: version, size, 16 registers, rip, flags, 10 segments of 24 bytes; then cr0, cr1, cr2, cr3, cr4.
_CR3 = 8 + 16 * 8 + 2 * 8 + 10 * 24 + 3 * 8
_CONTROL_REGISTERS = struct.Struct("<QQ")

_COMPRESSED = (b"KDUMP   ", b"makedumpfile")


class Paging(NamedTuple):
    """Where a CPU's page tables are, and how deep: its cr3 and cr4."""

    cr3: int
    cr4: int


@record
class Segment:
    """A stretch of physical memory."""

    address: int
    content: memoryview


class Dump:
    """Physical memory, as far as the dump holds it."""

    def __init__(self, segments: list[Segment], cpus: list[Paging]) -> None:
        self._segments = segments
        self.cpus = cpus

    def read(self, address: int, size: int) -> memoryview | None:
        """So many bytes at a physical address; None where the dump does not hold all of them."""
        for segment in self._segments:
            offset = address - segment.address
            if 0 <= offset <= len(segment.content) - size:
                return segment.content[offset : offset + size]
        return None

    def pages_with(self, word: int, values: frozenset[int]) -> Iterator[tuple[int, int]]:
        """(physical address, value) of every page whose 64-bit word number ``word`` is one of the values."""
        for segment in self._segments:
            skipped = -segment.address % PAGE
            pages = (len(segment.content) - skipped) // PAGE
            if pages > 0:
                words = segment.content[skipped : skipped + pages * PAGE].cast("Q")
                # One cache line a page is looked at: a second for some gigabytes.
                for page, value in enumerate(words[word :: PAGE // 8].tolist()):
                    if value in values:
                        yield segment.address + skipped + page * PAGE, value


def read_dump(path: str) -> Dump:
    """The dump in a file, which stays mapped as long as the dump is used. Raises DtpyError when it is none, or not whole."""
    try:
        with open(path, "rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise DtpyError(f"{path} is not a memory dump: it is empty") from None
    except OSError as error:
        raise DtpyError(f"failed to open {path}: {error.strerror}") from error
    return _parsed(path, memoryview(content))


def _parsed(path: str, content: memoryview) -> Dump:
    if bytes(content[:12]).startswith(_COMPRESSED):
        raise DtpyError(f"{path} is a compressed memory dump: only uncompressed ones (ELF) can be read")
    if len(content) < _ELF_HEADER.size or content[:6] != _ELF_64_LITTLE:
        raise DtpyError(f"{path} is not a memory dump")
    _, kind, machine, _, _, table, _, _, _, entry, count, *_ = _ELF_HEADER.unpack_from(content)
    if (kind, machine, entry) != (_CORE, _X86_64, _PROGRAM_HEADER.size) or count == _EXTENDED:
        raise DtpyError(f"{path} is not a memory dump of an x86-64 machine")
    if table + count * entry > len(content):
        raise DtpyError(f"{path} is truncated: it ends within its headers")
    segments: list[Segment] = []
    cpus: list[Paging] = []
    for number in range(count):
        kind, _, offset, _, address, size, _, _ = _PROGRAM_HEADER.unpack_from(content, table + number * entry)
        if offset + size > len(content):
            raise DtpyError(f"{path} is truncated: it has {len(content)} bytes, and should go on to {offset + size}")
        if kind == _LOAD:
            segments.append(Segment(address, content[offset : offset + size]))
        elif kind == _NOTE:
            cpus += _cpus(content[offset : offset + size])
    if not segments or not cpus:
        raise DtpyError(f"{path} is a core file, but not the memory of a machine as QEMU dumps it")
    return Dump(segments, cpus)


def _cpus(notes: memoryview) -> Iterator[Paging]:
    at = 0
    while at + _NOTE_HEADER.size <= len(notes):
        name_size, size, _ = _NOTE_HEADER.unpack_from(notes, at)
        name = at + _NOTE_HEADER.size
        content = name + -(-name_size // 4) * 4
        at = content + -(-size // 4) * 4
        if bytes(notes[name : name + name_size]) == b"QEMU\0" and size >= _CR3 + _CONTROL_REGISTERS.size:
            if at > len(notes):
                return
            yield Paging(*_CONTROL_REGISTERS.unpack_from(notes, content + _CR3))
