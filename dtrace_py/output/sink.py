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
        self._file: BinaryIO | None = None
        self._captures: dict[tuple[int, int], bytes] = {}
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
        self._put(data, self._stream)

    def _put(self, data: bytes, stream: BinaryIO) -> None:
        left = memoryview(data)
        try:
            while left:  # an unbuffered stream may take only a part
                left = left[stream.write(left) :]
            stream.flush()
        except OSError:
            raise DtpyError(f"failed to write to {self._name}") from None

    # Actions on the output itself (A29 to A31)

    def redirect(self, path: str) -> None:
        """Flush, and write to the end of this file from now on. Raises OSError and changes nothing if it cannot be opened."""
        self.flush()
        stream = open(path.encode("latin-1"), "ab", buffering=0)  # noqa: SIM115 - closed by restore()
        self.restore()
        self._file = stream
        file = os.fstat(stream.fileno())
        if not (stat.S_ISREG(file.st_mode) and file.st_size):  # a new file, or somebody else reads the pipe
            self._captures.pop((file.st_dev, file.st_ino), None)
        self._stream = self._first if (file.st_dev, file.st_ino) in self._captures else stream

    def restore(self) -> None:
        """Flush, and write to where it went first."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file, self._stream = None, self._first

    @property
    def redirected(self) -> bool:
        """Whether output goes to a file of freopen()."""
        return self._file is not None

    def capture(self, header: bytes, packet: bytes) -> None:
        """Write a packet to the file of freopen(). The first one makes it a capture file (A15): it is emptied, and begins with
        the header; text goes to where it went first. Raises ValueError if it is one with another header already."""
        assert self._file is not None
        file = os.fstat(self._file.fileno())
        known, regular = (file.st_dev, file.st_ino), stat.S_ISREG(file.st_mode)
        if known not in self._captures or (regular and not file.st_size):
            self._stream = self._first
            if regular:
                os.ftruncate(self._file.fileno(), 0)
            self._captures[known] = header
            packet = header + packet
        elif self._captures[known] != header:
            raise ValueError("another header")
        self._put(packet, self._file)

    def truncate(self) -> None:
        """Flush, then empty the file, if it is a regular one."""
        self.flush()
        number = _descriptor(self._file or self._stream)
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
            self._put(pipe.read(), self._stream)
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
