"""What a process has mapped where: /proc/PID/maps."""

from __future__ import annotations

from typing import NamedTuple


class Mapping(NamedTuple):
    """A range of addresses, and the file behind it: ``path`` is empty where there is none, or in brackets."""

    start: int
    end: int
    offset: int
    """Of the range's first byte in the file."""
    file: tuple[str, int]
    """Device and inode: the same file has the same."""
    path: str

    @property
    def name(self) -> str:
        """What the object is called: its base name."""
        return self.path.removesuffix(" (deleted)").rpartition("/")[2]


def read(process: int) -> list[Mapping]:
    """The mappings of a process, in order. Raises OSError when it is gone; empty if it has no memory of its own (any more)."""
    with open(f"/proc/{process}/maps", encoding="latin-1", newline="\n") as file:
        return [_mapping(line) for line in file.read().split("\n") if line]


def _mapping(line: str) -> Mapping:
    span, _, offset, device, inode, *path = line.split(None, 5)
    start, _, end = span.partition("-")
    return Mapping(int(start, 16), int(end, 16), int(offset, 16), (device, int(inode)), path[0] if path else "")
