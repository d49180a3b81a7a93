"""Where trace output goes: standard output, or the file of -o."""

from __future__ import annotations

from typing import BinaryIO

from dtrace_py.errors import DtpyError


class Sink:
    """Collects text and writes it in one piece when flushed (U78). ``name`` is for the error message."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._pieces: list[str] = []
        self.write = self._pieces.append

    def flush(self) -> None:
        """Write what was collected. Raises DtpyError when it cannot be written."""
        if not self._pieces:
            return
        data = memoryview("".join(self._pieces).encode("latin-1"))
        self._pieces.clear()
        try:
            while data:  # an unbuffered stream may take only a part
                data = data[self._stream.write(data) :]
            self._stream.flush()
        except OSError:
            raise DtpyError(f"failed to write to {self._name}") from None
