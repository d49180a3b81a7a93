"""The files that processes run: each read once, when the first process is seen that has it mapped."""

from __future__ import annotations

import ctypes
import os
from functools import partial

from dtrace_py.process import maps
from dtrace_py.process.elf import Elf, NotElf
from dtrace_py.process.maps import Mapping

VDSO = "[vdso]"


class Objects:
    """Every ELF object that was seen, by its file. Containers' files and deleted ones are read as their process has them."""

    def __init__(self) -> None:
        self._known: dict[object, Elf | None] = {}

    def of(self, mapping: Mapping, process: int) -> Elf | None:
        """The object behind a mapping; None if it is none, or cannot be read."""
        key = mapping.file if mapping.file[1] else mapping.path
        if key not in self._known:
            found = self._opened(mapping, process)
            if found is None and not os.path.exists(f"/proc/{process}"):
                return None  # another process may yet show it
            self._known[key] = found
        return self._known[key]

    def _opened(self, mapping: Mapping, process: int) -> Elf | None:
        if mapping.path == VDSO:
            return _own_vdso()
        if not mapping.path.startswith("/"):
            return None
        for path in (
            f"/proc/{process}/map_files/{mapping.start:x}-{mapping.end:x}",
            f"/proc/{process}/root{mapping.path}",
            mapping.path,
        ):
            try:
                with open(path, "rb", buffering=0) as file:
                    if os.fstat(file.fileno()).st_ino != mapping.file[1]:
                        continue
                    return Elf(partial(_piece, file.fileno()))
            except NotElf:
                return None
            except OSError:
                continue
        return None


def _own_vdso() -> Elf | None:
    """The kernel's own object, which all processes of this machine's width have mapped the same."""
    for mapping in maps.read(os.getpid()):
        if mapping.path == VDSO:
            return Elf(lambda offset, size, start=mapping.start: ctypes.string_at(start + offset, size))  # type: ignore[misc]
    return None


def _piece(descriptor: int, offset: int, size: int) -> bytes:
    return os.pread(descriptor, size, offset)
