"""Talking to qemu itself (QMP): whether the guest has come to its end, and a dump of its memory."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

_PATIENCE = 60.0
"""Seconds that a dump may take."""


class Monitor:
    """The monitor of one qemu, which keeps a guest that ended for as long as it is asked about."""

    def __init__(self, port: socket.socket) -> None:
        self._port = port
        self._pending = b""
        self._send("qmp_capabilities")

    def ended(self) -> bool:
        """Whether the guest has switched itself off, as it does after a panic; its memory is still there then."""
        self._port.settimeout(0)
        try:
            while True:
                if self._message().get("event") == "SHUTDOWN":
                    return True
        except BlockingIOError:
            return False
        except OSError:
            return True

    def dump(self, path: Path) -> str | None:
        """Write the guest's memory to a file. Returns None, or why that failed; then no file is left."""
        self._port.settimeout(_PATIENCE)
        try:
            self._send("dump-guest-memory", paging=False, protocol=f"file:{path.absolute()}")
            while True:
                message = self._message()
                if "error" in message:
                    reason = str(message["error"]["desc"])
                    break
                if "id" in message:
                    return None
        except OSError as error:
            reason = str(error)
        if path.is_file():  # a part of it, of no use
            path.unlink()
        return reason

    def _send(self, command: str, **arguments: object) -> None:
        order = {"execute": command, "arguments": arguments}
        if arguments:  # what an answer is told by
            order["id"] = command
        self._port.sendall(json.dumps(order).encode() + b"\n")

    def _message(self) -> dict[str, Any]:
        while b"\n" not in self._pending:
            if not (data := self._port.recv(65536)):
                raise ConnectionResetError("qemu is gone")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message
