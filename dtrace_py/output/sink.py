"""Where trace output goes: standard output, or the file of -o; with freopen() another file for a time."""

from __future__ import annotations

import os
import signal
import stat
from typing import BinaryIO

from dtrace_py.errors import DtpyError

_SHELL = "/bin/sh"


class Sink:
    """Collects text and writes it in one piece when flushed (U78). ``name`` is for the error message."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._first = self._stream = stream
        self._is_stdout = name == "stdout"
        self._name = name
        self._pieces: list[str] = []
        self.write = self._pieces.append

    def flush(self) -> None:
        """Write what was collected. Raises DtpyError when it cannot be written."""
        if not self._pieces:
            return
        data = "".join(self._pieces).encode("latin-1")
        self._pieces.clear()
        self._put(data)

    def _put(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:  # an unbuffered stream may take only a part
                left = left[self._stream.write(left) :]
            self._stream.flush()
        except OSError:
            raise DtpyError(f"failed to write to {self._name}") from None

    # Actions on the output itself (A29 to A31)

    def redirect(self, path: str) -> None:
        """Flush, and write to the end of this file from now on. Raises OSError and changes nothing if it cannot be opened."""
        self.flush()
        stream = open(path.encode("latin-1"), "ab", buffering=0)  # noqa: SIM115 - closed by restore()
        self.restore()
        self._stream = stream

    def restore(self) -> None:
        """Flush, and write to where it went first."""
        self.flush()
        if self._stream is not self._first:
            self._stream.close()
            self._stream = self._first

    def truncate(self) -> None:
        """Flush, then empty the file, if it is a regular one."""
        self.flush()
        number = _descriptor(self._stream)
        if number is not None and stat.S_ISREG(os.fstat(number).st_mode):
            os.ftruncate(number, 0)
            os.lseek(number, 0, os.SEEK_SET)

    def run(self, command: str) -> None:
        """Flush, then run a shell command to its end. What it prints goes to standard output, which freopen() may have
        redirected."""
        self.flush()
        target = _descriptor(self._stream) if self._is_stdout else 1
        if target is not None:
            _wait(_spawn(command, target))
            return
        reading, writing = os.pipe()  # standard output is no file, as when another program has embedded the command
        process = _spawn(command, writing)
        os.close(writing)
        with open(reading, "rb") as pipe:
            self._put(pipe.read())
        _wait(process)


def _descriptor(stream: BinaryIO) -> int | None:
    try:
        return stream.fileno()
    except OSError:
        return None


def _spawn(command: str, stdout: int) -> int:
    """Start a shell, with the signals as any process expects them. Returns its process id."""
    return os.posix_spawn(
        _SHELL,
        [b"sh", b"-c", command.encode("latin-1")],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, stdout, 1)],
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
    )


def _wait(process: int) -> None:
    os.waitpid(process, 0)
