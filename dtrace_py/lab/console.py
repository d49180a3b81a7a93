"""What the guest's kernel said: the last lines of its console, and the first complaint among them."""

from __future__ import annotations

import re
from collections import deque

_KEPT = 200
_SHOWN = 25

_COMPLAINT = re.compile(
    r"Kernel panic|BUG:|Oops|general protection fault|soft lockup|hard LOCKUP|blocked for more than|"
    r"rcu.*(detected stalls|self-detected stall)|\bWARNING:|Internal error"
)
_NOISE = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|c)|\r")


class Console:
    """Collects console bytes; keeps the last lines and remembers the first complaint of the kernel."""

    def __init__(self) -> None:
        self._partial = ""
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self.complaint: str | None = None

    def add(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + _NOISE.sub("", data.decode(errors="replace"))).split("\n")
        for line in lines:
            self._lines.append(line)
            if self.complaint is None and _COMPLAINT.search(line):
                self.complaint = re.sub(r"^\[[ \d.]+\] *", "", line).strip()

    def tail(self) -> str:
        """The last lines, each indented, ready to follow an error message."""
        lines = [*self._lines, self._partial] if self._partial else list(self._lines)
        return "".join(f"\n    {line}" for line in lines[-_SHOWN:])
