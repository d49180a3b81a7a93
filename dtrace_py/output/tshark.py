"""Packets explained by tshark, where there is one: what it prints of each, as a part of the trace output (contract A15)."""

from __future__ import annotations

import os
import select
import subprocess

COMMAND = ("tshark", "-l", "-r", "-")
"""It prints a line for each packet as soon as that is there."""

_PATIENCE = 10
"""Seconds that one packet may take it. (It is slow to start.)"""

_NOBODY = 65534
"""It reads what came from anywhere, and so runs as one who may do nothing."""

_PREFIX = "pcap \t"


class Tshark:
    """One that reads packets of one link type from us; none, if it cannot be started or has ended."""

    def __init__(self, header: bytes) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._read = b""
        try:
            self._process = subprocess.Popen(
                COMMAND,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent"},
                start_new_session=True,  # Ctrl-C is for us
                user=_NOBODY,
                group=_NOBODY,
                extra_groups=(),
            )
        except (OSError, subprocess.SubprocessError):
            return
        self._send(header)

    def explain(self, packet: bytes) -> str | None:
        """What it prints of a packet: a line, which may come late and then with the next one's. None if there is no tshark."""
        self._send(packet)
        if self._process is None:
            return None
        assert self._process.stdout
        lines = ""
        while not lines and select.select([self._process.stdout], [], [], _PATIENCE)[0]:
            if not (data := os.read(self._process.stdout.fileno(), 1 << 16)):
                self._end()
                return None
            lines = self._whole(data)
        return lines

    def finish(self) -> str:
        """No more packets: returns what it has still to say."""
        if self._process is None:
            return ""
        rest, _ = self._process.communicate()
        self._process = None
        return self._whole(rest)

    def _send(self, data: bytes) -> None:
        if self._process is None:
            return
        assert self._process.stdin
        left = memoryview(data)
        try:
            while left:
                left = left[self._process.stdin.write(left) :]
        except OSError:
            self._end()

    def _end(self) -> None:
        assert self._process
        self._process.kill()
        self._process.communicate()
        self._process = None

    def _whole(self, data: bytes) -> str:
        """The lines that these bytes complete."""
        *lines, self._read = (self._read + data).split(b"\n")
        return "".join(f"{_PREFIX}{line.decode('latin-1')}\n" for line in lines)
