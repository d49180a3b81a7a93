"""What language runtimes call the code that they make: the maps that they write for perf, /tmp/perf-PID.map."""

from __future__ import annotations

from bisect import bisect_right


class PerfMap:
    """The names of one process's code. The file only grows; what is new in it is read when a name is asked for."""

    def __init__(self, process: int) -> None:
        inside = _number_inside(process)
        self._paths = (f"/proc/{process}/root/tmp/perf-{inside}.map", f"/tmp/perf-{process}.map")
        self._read = 0
        self._rest = b""
        self._named: dict[int, tuple[int, str]] = {}
        """End and name by the start; what was made later takes the place of what was there."""
        self._starts: list[int] = []

    def find(self, address: int) -> str:
        """The name of what is at an address; empty if nobody has named it."""
        self.update()
        place = bisect_right(self._starts, address) - 1
        if place < 0:
            return ""
        end, name = self._named[self._starts[place]]
        return name if address < end else ""

    def update(self) -> None:
        """Read what the file has more than the last time."""
        for path in self._paths:
            try:
                with open(path, "rb") as file:
                    file.seek(self._read)
                    new = file.read()
            except OSError:  # the process is gone, or its runtime writes none
                continue
            self._read += len(new)
            *lines, self._rest = (self._rest + new).split(b"\n")
            for line in lines:
                self._add(line)
            if lines:
                self._starts = sorted(self._named)
            return

    def _add(self, line: bytes) -> None:
        try:
            start, size, name = line.split(None, 2)
            first = int(start, 16)
            self._named[first] = first + int(size, 16), name.decode("latin-1")
        except ValueError:
            pass  # not a line of such a map


def _number_inside(process: int) -> int:
    """The number that a process has for itself, which in a container is another."""
    try:
        with open(f"/proc/{process}/status", encoding="latin-1") as file:
            for line in file:
                if line.startswith("NSpid:"):
                    return int(line.split()[-1])
    except OSError:
        pass
    return process
