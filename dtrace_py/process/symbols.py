"""What the addresses of processes are called, also of those that are gone when it is asked."""

from __future__ import annotations

import os
from bisect import bisect_right
from threading import RLock
from typing import NamedTuple

from dtrace_py.process import maps
from dtrace_py.process.maps import Mapping
from dtrace_py.process.objects import Objects
from dtrace_py.process.runtimes import PerfMap

_MOST = 4096
"""Processes that are remembered; then the one that was seen first is forgotten."""

_IMAGES = 4
"""Programs that are remembered of a process: it may have been another one before it called exec()."""

_Identity = tuple[int, int, int]


class Place(NamedTuple):
    """An address in an object: ``symbol`` is empty where it has none there."""

    object: str
    symbol: str
    start: int
    """Where the symbol begins in the process."""
    mapped: int
    """Where the mapping begins."""
    first: int
    """Where the object's first mapping begins."""


class _Image:
    """What a process had mapped when it was looked at."""

    def __init__(self, identity: _Identity | None, mappings: list[Mapping]) -> None:
        self.identity = identity
        self._mappings = [mapping for mapping in mappings if mapping.path]
        self._starts = [mapping.start for mapping in self._mappings]

    def mapping(self, address: int) -> Mapping | None:
        place = bisect_right(self._starts, address) - 1
        return self._mappings[place] if place >= 0 and address < self._mappings[place].end else None

    def first(self, mapping: Mapping) -> int:
        """Where the first mapping of the same file begins."""
        return next(each.start for each in self._mappings if each.file == mapping.file and each.path == mapping.path)

    @property
    def mappings(self) -> list[Mapping]:
        """All that have a name."""
        return self._mappings


class Processes:
    """Names addresses of processes. Each is looked at when it is first seen, so that it may be gone when a name is asked for."""

    def __init__(self) -> None:
        self.resolves = True
        """False under option noresolve."""
        self._objects = Objects()
        self._images: dict[int, list[_Image]] = {}
        self._perf_maps: dict[int, PerfMap] = {}
        self._checked: set[int] = set()
        self._read_again: set[int] = set()
        self._lock = RLock()  # a target is also looked at by its own thread, as it exits
        self.target = 0
        """The process that -c or -p named first."""
        self.overflows = 0
        """Stacks whose names had not enough room (U60)."""

    def new_pass(self) -> None:
        """From now on a process may be another program than it was."""
        with self._lock:
            self._checked.clear()
            self._read_again.clear()

    def see(self, process: int) -> None:
        """Look at a process, unless that was done in this pass."""
        if process in self._checked:
            return
        with self._lock:
            self._checked.add(process)
            known = self._images.get(process, [])
            identity = _identity(process)
            if identity and (not known or known[0].identity != identity):
                self._look(process, identity, known)

    def look_again(self, process: int) -> None:
        """Look at a process that is about to exit: what it has mapped since is not to be lost."""
        with self._lock:
            known = self._images.get(process, [])
            if identity := _identity(process):
                self._look(process, identity, [each for each in known if each.identity != identity])

    def _look(self, process: int, identity: _Identity, before: list[_Image]) -> None:
        try:
            mappings = maps.read(process)
        except OSError:
            return
        if not mappings:  # it has just exited
            return
        image = _Image(identity, mappings)
        self._images[process] = [image, *before][:_IMAGES]
        for mapping in image.mappings:
            self._objects.of(mapping, process)
        self._perf_maps.setdefault(process, PerfMap(process))
        while len(self._images) > _MOST:
            oldest = next(iter(self._images))
            del self._images[oldest]
            self._perf_maps.pop(oldest, None)

    def find(self, process: int, address: int) -> Place | None:
        """Where an address is; None if no object is there, or nothing is known of the process."""
        self.see(process)
        if found := self._found(process, address):
            return found
        with self._lock:  # it may have mapped more since
            if process in self._read_again or process not in self._images:
                return None
            self._read_again.add(process)
            self.look_again(process)
        return self._found(process, address)

    def _found(self, process: int, address: int) -> Place | None:
        for image in self._images.get(process, ()):
            if mapping := image.mapping(address):
                return self._place(image, mapping, process, address)
        return None

    def _place(self, image: _Image, mapping: Mapping, process: int, address: int) -> Place | None:
        elf = self._objects.of(mapping, process)
        if elf is None and not mapping.path.startswith("/"):
            return None
        at = elf.address(address - mapping.start + mapping.offset) if elf else None
        symbol = elf.find(at) if elf and at is not None else None
        where = mapping.start, image.first(mapping)
        if at is None or symbol is None:
            return Place(mapping.name, "", address, *where)
        return Place(mapping.name, symbol.name, address - (at - symbol.address), *where)

    def runtime_name(self, process: int, address: int) -> str:
        """What the process's runtime calls the code that it made there; empty if it tells nothing."""
        self.see(process)
        perf_map = self._perf_maps.get(process)
        return perf_map.find(address) if perf_map else ""


def _identity(process: int) -> _Identity | None:
    """What changes when a process becomes another program, or its number another process: when it began, and its file."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            started = int(file.read().rpartition(b")")[2].split()[19])
        program = os.stat(f"/proc/{process}/exe")
    except (OSError, ValueError, IndexError):
        return None
    return started, program.st_dev, program.st_ino
