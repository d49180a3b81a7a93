"""Runs inputs through the front end with bounds on time and memory, and reports what should never happen."""

from __future__ import annotations

import mmap
import os
import pickle
import resource
import signal
import struct
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from dtrace_py import programs
from dtrace_py.errors import DtpyError
from dtrace_py.job import Job, Mode
from dtrace_py.kernel.machine import Machine
from dtrace_py.kernel.tracefs import numbered_calls
from dtrace_py.lang.errors import CompileError, CompileErrors
from dtrace_py.options import Options
from dtrace_py.providers.dtrace import DtraceProvider
from dtrace_py.providers.fbt import FbtProvider
from dtrace_py.providers.profile import ProfileProvider
from dtrace_py.providers.registry import Registry
from dtrace_py.providers.syscall import SyscallProvider
from tests.fuzz.inputs import Input, make

SECONDS = 2.0
"""Of CPU time that an input may take."""

MEGABYTES = 500
"""That the process may use, whatever the inputs."""

_FUNCTIONS = [
    ("vfs_read", "vmlinux"),
    ("vfs_write", "vmlinux"),
    ("nf_hook", "nf_tables"),
    ("ksys_read.isra.0", "vmlinux"),
]


class Hang(BaseException):
    """An input took too long. Not an Exception, so that nobody catches it."""


@dataclass(slots=True)
class Finding:
    """Something that should never happen."""

    number: int
    what: str
    """The exception and where in the front end it came from: the same for what is the same flaw."""
    text: str = ""
    trace: str = ""


@dataclass(slots=True)
class Result:
    """What came of some inputs."""

    inputs: int = 0
    seconds: float = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Accepted, or the tag of the first error."""
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: float = 0
    slowest_number: int = 0
    megabytes: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Result) -> None:
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.outcomes += other.outcomes
        self.kinds += other.kinds
        if other.slowest > self.slowest:
            self.slowest, self.slowest_number = other.slowest, other.slowest_number
        self.megabytes = max(self.megabytes, other.megabytes)
        self.findings += other.findings


@cache
def _machine() -> Machine:
    return Machine()


def compile_input(given: Input) -> str:
    """Compile one input as -e does. Returns "accepted" or the tag of its first error; anything else is raised."""
    options = Options()
    if given.zdefs:
        options.set("zdefs", None)
    if given.tags:
        options.set("errtags", None)
    registry = Registry(
        (
            DtraceProvider(),
            ProfileProvider(),
            SyscallProvider(numbered_calls_once),
            FbtProvider(lambda: _FUNCTIONS, frozenset, lambda name: name == "schedule"),
        )
    )
    job = Job((given.source,), given.operands, options, Mode.COMPILE)
    try:
        programs.compile_job(job, lambda: _machine().types, registry)
    except DtpyError as error:
        cause = error.__cause__
        if isinstance(cause, CompileErrors):
            return cause.errors[0].tag
        if isinstance(cause, CompileError):
            return cause.tag
        raise
    return "accepted"


@cache
def numbered_calls_once() -> dict[int, str]:
    return numbered_calls()


def run(seed: int, first: int, count: int) -> Result:
    """Run inputs in this process."""
    result = Result()
    began = time.perf_counter()
    for number in range(first, first + count):
        _CURRENT[:] = struct.pack("Q", number)
        given = make(seed, number)
        result.kinds[given.kind] += 1
        started = time.process_time()
        try:
            with _bounded_time():
                outcome = compile_input(given)
        except (Exception, Hang) as error:
            outcome = "finding"
            result.findings.append(_finding(number, given, error))
        result.outcomes[outcome] += 1
        if (took := time.process_time() - started) > result.slowest:
            result.slowest, result.slowest_number = took, number
        result.inputs += 1
    result.seconds = time.perf_counter() - began
    result.megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return result


_CURRENT = mmap.mmap(-1, 8)
"""The number of the input that is being compiled, for the parent of a process that died over it."""


@contextmanager
def _bounded_time() -> Iterator[None]:
    def late(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _finding(number: int, given: Input, error: BaseException) -> Finding:
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if "dtrace_py" in frame.filename] or frames[-1:]
    where = f"{os.path.basename(inside[-1].filename)}:{inside[-1].name}"
    if isinstance(error, Hang):
        where = os.path.basename(inside[-1].filename)
    text = f"{type(error).__name__} in {where}"
    trace = "".join(traceback.format_exception(error, limit=-6))[-2000:]
    return Finding(number, text, given.source.text[:2000], trace)


def _mapped() -> int:
    """Bytes of this process's address space."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def run_apart(seed: int, first: int, count: int) -> Result:
    """Run inputs in a process of their own with bounded memory; an input that kills it is a finding, and the rest goes on."""
    result, last = Result(), first + count
    while first < last:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(reader)
                room = _mapped() + (MEGABYTES << 20)  # a test run has mapped much before it comes here
                resource.setrlimit(resource.RLIMIT_AS, (room, room))
                made = pickle.dumps(run(seed, first, last - first))
                with open(writer, "wb") as file:
                    file.write(made)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writer)
        with open(reader, "rb") as file:
            written = file.read()
        _, wait = os.waitpid(child, 0)
        if wait == 0:
            result.add(pickle.loads(written))
            break
        (number,) = struct.unpack("Q", _CURRENT[:])
        what = f"the process died: wait status {wait}"
        result.findings.append(Finding(number, what, make(seed, number).source.text[:2000]))
        result.inputs += number + 1 - first
        first = number + 1
    return result


def shorter(seed: int, number: int) -> str:
    """The text of a finding, with what can be left out left out."""
    given = make(seed, number)
    wanted = _what(given)
    text, size = given.source.text, max(len(given.source.text) // 2, 1)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for start in range(0, len(text), size):
            less = text[:start] + text[start + size :]
            if _what(given._replace(source=given.source._replace(text=less))) == wanted:
                text = less
                break
        else:
            if size == 1:
                break
            size = max(size // 2, 1)
    return text


def _what(given: Input) -> str | None:
    try:
        with _bounded_time():
            compile_input(given)
    except (Exception, Hang) as error:
        return _finding(0, given, error).what
    return None


def warm_up() -> None:
    """Read and import everything that inputs may need, so that it is not counted as the first one's time."""
    for number in range(50):
        try:
            compile_input(make(0, number))
        except Exception:
            pass  # it will be found again
