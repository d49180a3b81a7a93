"""Kernel settings that are changed for a while, and a process that outlives a killed dtpy and takes its changes back."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from dtrace_py.errors import DtpyError
from dtrace_py.runtime.background import leave_terminal

_BUSY_SECONDS = 10
"""How long a setting may be in somebody's use before it is left as it is."""


class Guardian:
    """A process of its own. It reads from a pipe which settings are changed; when the pipe ends, it puts back those that
    still are, and calls ``clean`` with the number of the process that it guarded.

    A context manager: the guardian ends, with nothing left to do, when the block does.
    """

    def __init__(self, clean: Callable[[int], object]) -> None:
        self._clean = clean
        self._pipe = -1
        self._process = 0

    def __enter__(self) -> Guardian:
        reading, self._pipe = os.pipe()
        owner = os.getpid()
        self._process = os.fork()
        if self._process == 0:
            try:
                _watch(reading, lambda: self._clean(owner))
            finally:
                os._exit(0)
        os.close(reading)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:  # else it had better look after it too
            os.write(self._pipe, b"done\n")
        os.close(self._pipe)
        try:
            os.waitpid(self._process, 0)
        except ChildProcessError:  # somebody else's child: we are the one that lets go in the background
            pass

    @contextmanager
    def changed(self, wanted: Mapping[Path, str]) -> Iterator[None]:
        """Settings that are different inside the block, the first one put back last. One that this kernel has not, or that is as
        wanted, is left alone."""
        before: dict[Path, str] = {}
        try:
            for path, value in wanted.items():
                now = _read(path)
                if now is not None and now != value:
                    os.write(self._pipe, f"{path} {now}\n".encode())
                    before[path] = now
                    path.write_text(value)
            yield
        finally:
            for path, value in reversed(before.items()):
                _put_back(path, value)
                os.write(self._pipe, f"{path}\n".encode())


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _watch(pipe: int, clean: Callable[[], object]) -> None:
    """The life of the guardian."""
    leave_terminal()
    _keep_only(pipe)
    text = b""
    while data := os.read(pipe, 4096):
        text += data
    lines = text.decode().splitlines()
    if lines and lines[-1] == "done":
        return
    left: dict[str, str] = {}
    for line in lines:
        path, space, value = line.partition(" ")
        if space:
            left[path] = value
        else:
            left.pop(path, None)
    for path, value in reversed(left.items()):
        with suppress(DtpyError):
            _put_back(Path(path), value)
    clean()


def _put_back(path: Path, value: str) -> None:
    """Write a setting as it was. Somebody may be reading the trace, say, and the kernel changes no tracer then."""
    try:
        while_busy(lambda: path.write_text(value), _BUSY_SECONDS)
    except OSError as error:
        raise DtpyError(f"could not put {value!r} back into {path}: {error.strerror}") from error


def while_busy(act: Callable[[], object], seconds: float) -> None:
    """Try something again as long as what it concerns is in use (EBUSY), for so many seconds at most."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            act()
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _keep_only(descriptor: int) -> None:
    """Close everything else: a descriptor kept here would keep probes attached, or a reader of the output waiting."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != descriptor:
            try:
                os.close(int(name))
            except OSError:  # the one that the list itself was read through
                pass
