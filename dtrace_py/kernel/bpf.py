"""The bpf(2) calls that bcc does not offer: programs of several functions, links, test runs, map batches and more."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from dtrace_py.record import record

_SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
_SYS_MEMBARRIER = {"x86_64": 324, "aarch64": 283}[os.uname().machine]

_MAP_CREATE, _MAP_UPDATE_ELEM, _PROG_LOAD, _PROG_TEST_RUN, _OBJ_GET_INFO_BY_FD, _RAW_TRACEPOINT_OPEN = (
    0,
    2,
    5,
    10,
    15,
    17,
)
_BTF_LOAD = 18
_MAP_LOOKUP_AND_DELETE_BATCH, _LINK_CREATE, _ENABLE_STATS = 25, 28, 32
_MEMBARRIER_CMD_GLOBAL = 1
_ARRAY, _F_MMAPABLE = 2, 1 << 10
_BTF_INT, _BTF_FUNC, _BTF_FUNC_PROTO = 1, 12, 13

PERF_EVENT, KPROBE_MULTI, KPROBE_SESSION = 41, 42, 56
"""Attach types of links."""

_libc = ctypes.CDLL(None, use_errno=True)
_ATTRIBUTES = 160


def call(command: int, attributes: bytes) -> int:
    """bpf(2): attributes are the bytes of union bpf_attr, as far as they matter. Raises OSError."""
    buffer = ctypes.create_string_buffer(attributes, _ATTRIBUTES)
    result = _call(command, buffer)
    return result


def _call(command: int, buffer: ctypes.Array[ctypes.c_char]) -> int:
    result: int = _libc.syscall(_SYS_BPF, command, buffer, len(buffer))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


@contextmanager
def owned(descriptor: int) -> Iterator[int]:
    """A descriptor that is closed at the end of the block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


# Links


def link_functions(program: int, attach_type: int, addresses: ctypes.Array[ctypes.c_uint64], returns: bool) -> int:
    """A kprobe_multi or session link over functions. Raises OSError: EOPNOTSUPP without fprobe, ESRCH or EINVAL for one
    bad address among them."""
    at = ctypes.addressof(addresses)
    return call(
        _LINK_CREATE,
        struct.pack("<IIIIIIQQQ", program, 0, attach_type, 0, int(returns), len(addresses), 0, at, 0),
    )


def link_event(program: int, event: int, cookie: int) -> int:
    """A link of a program to a perf event; bpf_get_attach_cookie() gives it the cookie."""
    return call(_LINK_CREATE, struct.pack("<IIIIQ", program, event, PERF_EVENT, 0, cookie))


def link_raw_tracepoint(program: int, name: str) -> int:
    """A program attached to a raw tracepoint."""
    text = ctypes.create_string_buffer(name.encode())
    return call(_RAW_TRACEPOINT_OPEN, struct.pack("<QI", ctypes.addressof(text), program))


def link_missed(link: int) -> int | None:
    """Firings that a kprobe_multi or session link lost: a probe within its own handler, or a return for which the kernel
    had no room to remember it. None before Linux 6.7, which does not count them."""
    size = 40
    info = ctypes.create_string_buffer(size)
    attributes = struct.pack("<IIQ", link, size, ctypes.addressof(info))
    buffer = ctypes.create_string_buffer(attributes, _ATTRIBUTES)
    _call(_OBJ_GET_INFO_BY_FD, buffer)
    # struct bpf_link_info: missed at 32; the kernel says how many bytes of it it knows.
    known: int = struct.unpack_from("<I", buffer, 4)[0]
    missed: int = struct.unpack_from("<Q", info, 32)[0]
    return missed if known >= size else None


# Programs

_LOG_BYTES = 1 << 20
_MOST_LOG_BYTES = 1 << 30
_LEAST_LOG_BYTES = 128
_ERRORS, _EVERYTHING = 1, 1 | 2 | 4
"""Levels of the verifier's log: on the way to an error, and all that it looks at, with its own figures."""


@record
class VerifierLog:
    """The room for it, in bytes (None: what it takes), and who is told it of each program even if nothing is wrong."""

    room: int | None = None
    tell: Callable[[str], object] | None = None


class Refused(Exception):
    """The verifier refused a program; ``log`` is what it said, which may be nothing."""

    def __init__(self, error: OSError, log: str) -> None:
        super().__init__(error.strerror)
        self.errno = error.errno
        self.log = log


def load_program(
    kind: int, attach_type: int, name: str, code: bytes, functions: dict[int, str], wanted: VerifierLog
) -> int:
    """Load a program of the kernel's BPF program type ``kind``; returns its descriptor. Raises Refused.

    ``functions`` says at which instruction each of its functions begins: with more than one, the kernel is told their names.
    """
    if len(functions) < 2:
        return _load(kind, attach_type, name, code, wanted)
    with owned(_load_btf(functions.values())) as btf:
        return _load(kind, attach_type, name, code, wanted, btf, [*functions])


def _load(
    kind: int, attach_type: int, name: str, code: bytes, wanted: VerifierLog, btf: int = 0, starts: Sequence[int] = ()
) -> int:
    instructions, license_ = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    places = ctypes.create_string_buffer(b"".join(struct.pack("<II", at, 3 + n) for n, at in enumerate(starts)) or b"0")

    def attributes(log: ctypes.Array[ctypes.c_char] | None, level: int = _ERRORS) -> bytes:
        at = ctypes.addressof
        return struct.pack(
            "<IIQQIIQII16sIIIIQI",
            *(kind, len(code) // 8, at(instructions), at(license_)),
            *((level, len(log), at(log)) if log else (0, 0, 0)),
            *(0, 0, name.encode()[:15], 0, attach_type, btf, 8 if starts else 0, at(places), len(starts)),
        )

    try:
        descriptor = call(_PROG_LOAD, attributes(None))
    except OSError as error:
        log = ctypes.create_string_buffer(max(wanted.room or _LOG_BYTES, _LEAST_LOG_BYTES))
        with suppress(OSError):  # the same again, or no room for the whole log
            return call(_PROG_LOAD, attributes(log))
        raise Refused(error, log.value.decode(errors="replace")) from error
    if wanted.tell:
        wanted.tell(f"program {name}\n{_whole_log(attributes, wanted.room)}")
    return descriptor


def _whole_log(attributes: Callable[[ctypes.Array[ctypes.c_char], int], bytes], room: int | None) -> str:
    """What the verifier says of a program that is in order: it is loaded once more, with room for all of that."""
    size = max(room or _LOG_BYTES, _LEAST_LOG_BYTES)
    while True:
        log = ctypes.create_string_buffer(size)
        try:
            os.close(call(_PROG_LOAD, attributes(log, _EVERYTHING)))
            return log.value.decode(errors="replace")
        except OSError as error:
            if room is not None or size >= _MOST_LOG_BYTES // 4:
                return f"what is said of it does not fit into {size} bytes (bpflogsize): {error.strerror}"
            size *= 4


def _load_btf(names: Iterable[str]) -> int:
    """Type data in which each of these is a function of the program's own (linux/btf.h)."""
    strings, functions = bytearray(b"\0long\0"), b""
    for name in names:
        functions += struct.pack("<III", len(strings), _BTF_FUNC << 24, 2)  # of linkage 0: static
        strings += name.encode() + b"\0"
    integer = struct.pack("<IIII", 1, _BTF_INT << 24, 8, 64)
    prototype = struct.pack("<III", 0, _BTF_FUNC_PROTO << 24, 1)
    types = integer + prototype + functions
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
    data = ctypes.create_string_buffer(header + types + bytes(strings), 24 + len(types) + len(strings))
    return call(_BTF_LOAD, struct.pack("<QQI", ctypes.addressof(data), 0, len(data)))


def test_run(program: int, *arguments: int) -> int:
    """Run a raw tracepoint program here and now, in this process, with these arguments; returns its result."""
    context = ctypes.create_string_buffer(struct.pack(f"<{len(arguments)}Q", *arguments), 12 * 8)
    attributes = struct.pack("<IIIIQQIIIIQ", program, 0, 0, 0, 0, 0, 0, 0, len(context), 0, ctypes.addressof(context))
    buffer = ctypes.create_string_buffer(attributes, _ATTRIBUTES)
    _call(_PROG_TEST_RUN, buffer)
    result: int = struct.unpack_from("<I", buffer, 4)[0]
    return result


@record
class ProgramInfo:
    """What the kernel counts of a program: runs (while statistics are on), and runs that recursion made it skip."""

    runs: int
    misses: int


def program_info(program: int) -> ProgramInfo:
    """The kernel's own figures of a program."""
    info = _info(program, 232)
    # struct bpf_prog_info: run_time_ns at 192, run_cnt at 200, recursion_misses at 208.
    runs, misses = struct.unpack_from("<QQ", info, 200)
    return ProgramInfo(runs, misses)


@contextmanager
def statistics() -> Iterator[None]:
    """The kernel counts the runs of programs inside."""
    with owned(call(_ENABLE_STATS, struct.pack("<I", 0))):
        yield


def _info(descriptor: int, size: int) -> bytes:
    info = ctypes.create_string_buffer(size)
    call(_OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", descriptor, size, ctypes.addressof(info)))
    return info.raw


# Maps


def create_array(name: str, size: int) -> int:
    """A new array map of one element, which can be mapped. The kernel allows a name of 15 characters."""
    return call(_MAP_CREATE, struct.pack("<IIIIIII16s", _ARRAY, 4, size, 1, _F_MMAPABLE, 0, 0, name.encode()))


@record
class MapInfo:
    key_size: int
    value_size: int
    entries: int


def map_info(descriptor: int) -> MapInfo:
    """The shape of a map."""
    _, _, key_size, value_size, entries = struct.unpack_from("<IIIII", _info(descriptor, 80))
    return MapInfo(key_size, value_size, entries)


class Array:
    """The elements of an array map: ``view`` is all of them, ``stride`` the bytes from one to the next."""

    def __init__(self, entries: int, stride: int, memory: mmap.mmap | bytearray) -> None:
        self.entries = entries
        self.stride = stride
        self.view = memoryview(memory)
        self.words = self.view.cast("Q")
        """The same by 64-bit words: each is read or written in one access."""


class MappedArray(Array):
    """An array map in this process's memory."""

    def __init__(self, descriptor: int) -> None:
        info = map_info(descriptor)
        stride = -(-info.value_size // 8) * 8
        size = -(-stride * info.entries // mmap.PAGESIZE) * mmap.PAGESIZE
        self._map = mmap.mmap(descriptor, size)
        super().__init__(info.entries, stride, self._map)

    def close(self) -> None:
        self.words.release()
        self.view.release()
        self._map.close()


def set_inner_map(outer: int, inner: int) -> None:
    """Put a map into element 0 of an array of maps. The kernel returns when no program uses the one before any more."""
    key, value = ctypes.c_uint32(0), ctypes.c_uint32(inner)
    attributes = struct.pack("<IIQQQ", outer, 0, ctypes.addressof(key), ctypes.addressof(value), 0)
    call(_MAP_UPDATE_ELEM, attributes)


def drain(descriptor: int, value_bytes: int, batch: int = 1024) -> Iterator[tuple[bytes, bytes]]:
    """Take all (key, value) pairs out of a hash map that no program uses. ``value_bytes`` is for all CPUs together."""
    key_size = map_info(descriptor).key_size
    keys = ctypes.create_string_buffer(key_size * batch)
    values = ctypes.create_string_buffer(value_bytes * batch)
    # The position that the kernel goes on from: a bucket number for hash maps, but it copies as much as a key is long.
    position = ctypes.create_string_buffer(max(key_size, 8))
    first, at = True, ctypes.addressof
    while True:
        attributes = struct.pack(
            "<QQQQIIQQ", 0 if first else at(position), at(position), at(keys), at(values), batch, descriptor, 0, 0
        )
        buffer = ctypes.create_string_buffer(attributes, _ATTRIBUTES)
        done = False
        try:
            _call(_MAP_LOOKUP_AND_DELETE_BATCH, buffer)
        except OSError as error:
            if error.errno == errno.ENOSPC:  # one bucket holds more than a batch
                yield from drain(descriptor, value_bytes, batch * 2)
                return
            if error.errno != errno.ENOENT:
                raise
            done = True
        count = struct.unpack_from("<I", buffer, 32)[0]
        key_bytes, all_values = bytes(keys), bytes(values)
        for n in range(count):
            yield key_bytes[n * key_size : (n + 1) * key_size], all_values[n * value_bytes : (n + 1) * value_bytes]
        if done:
            return
        first = False


def wait_for_programs() -> None:
    """Return when every program that is running now has ended: an RCU grace period, without calls to other CPUs."""
    _libc.syscall(_SYS_MEMBARRIER, _MEMBARRIER_CMD_GLOBAL, 0, 0)
