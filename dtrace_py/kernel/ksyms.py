"""Kernel symbols: /proc/kallsyms, by address and by name."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Collection
from functools import cache, cached_property
from pathlib import Path

from dtrace_py.errors import DtpyError
from dtrace_py.providers.fbt import VMLINUX

_LINE = re.compile(rb"^([0-9a-f]+) ([a-zA-Z]) (\S+)(?:\t\[(\S+)\])?$", re.MULTILINE)


class Symbols:
    """The kernel's symbols, read when the first one is asked for."""

    def __init__(self, path: Path = Path("/proc/kallsyms")) -> None:
        self._path = path

    @cached_property
    def _raw(self) -> bytes:
        return self._path.read_bytes()

    @cached_property
    def _text(self) -> bytes:
        """The same, if it tells addresses."""
        text = self._raw
        if not re.search(rb"^0*[1-9a-f]", text, re.MULTILINE):
            raise DtpyError("the kernel hides its addresses: run as root, and set kernel.kptr_restrict to 0 or 1")
        return text

    @cached_property
    def _code(self) -> tuple[array[int], list[tuple[str, str]]]:
        """Addresses of functions in order, and (name, module) of each."""
        return self._sorted(b"tTwW")

    @cached_property
    def _data(self) -> tuple[array[int], list[tuple[str, str]]]:
        """The same of data; what is per CPU is not at an address of its own."""
        return self._sorted(b"dDbBrRvV")

    def _sorted(self, kinds: bytes) -> tuple[array[int], list[tuple[str, str]]]:
        found: dict[int, tuple[str, str]] = {}
        for address, kind, name, module in _LINE.findall(self._text):
            if kind in kinds:
                # Of several names for an address the first is what the kernel itself shows.
                found.setdefault(int(address, 16), (name.decode(), module.decode() or VMLINUX))
        ordered = sorted(found)
        return array("Q", ordered), [found[address] for address in ordered]

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[int]]:
        named: dict[tuple[str, str], list[int]] = {}
        for address, key in zip(*self._code, strict=True):
            named.setdefault(key, []).append(address)
        return named

    def learn(self, modules: Collection[str]) -> None:
        """Take in the symbols of modules that have been loaded since. Those of others stay, gone or not."""
        names = {name.encode() for name in modules}

        def lines(text: bytes, wanted: bool) -> bytes:
            kept = [
                line
                for line in text.splitlines(keepends=True)
                if (line.endswith(b"]\n") and line[line.rindex(b"[") + 1 : -2] in names) == wanted
            ]
            return b"".join(kept)

        raw = lines(self._raw, False) + lines(self._path.read_bytes(), True)
        for known in ("_text", "_code", "_data", "_by_name"):
            self.__dict__.pop(known, None)
        self.__dict__["_raw"] = raw

    def functions(self, name: str, module: str) -> list[int]:
        """The addresses of all functions of that name in that module."""
        return self._by_name.get((name, module), [])

    def length(self, address: int, name: str, module: str) -> int:
        """Bytes from a function to the next one, padding included."""
        if module != VMLINUX:
            return self.end(address) - address
        # The core kernel's symbols are sorted: there is no need to take all of them apart.
        found = re.search(rb"^0*%x \w %b$" % (address, re.escape(name.encode())), self._raw, re.MULTILINE)
        for match in _LINE.finditer(self._raw, found.end() if found else 0):
            if match[2] in b"tTwW" and (after := int(match[1], 16)) > address:
                return after - address
        return 0

    def all_functions(self) -> list[tuple[str, str]]:
        """Name and module of every function, as often as there are some of that name; needs no addresses."""
        found = re.findall(r"^[0-9a-f]+ [tTwW] (\S+)(?:\t\[(\S+)\])?$", self._raw.decode(), re.MULTILINE)
        return [(name, module or VMLINUX) for name, module in found]

    def has_function(self, name: str) -> bool:
        """Whether the kernel has a function of that name, in whatever module; needs no addresses."""
        pattern = rb"^[0-9a-f]+ [tTwW] " + re.escape(name.encode()) + rb"(\t|$)"
        return re.search(pattern, self._raw, re.MULTILINE) is not None

    def end(self, address: int) -> int:
        """Where the next function begins: a function's end, but for padding."""
        addresses, _ = self._code
        place = bisect_right(addresses, address)
        return addresses[place] if place < len(addresses) else address

    @cached_property
    def return_thunks(self) -> frozenset[int]:
        """What functions jump to instead of returning, in kernels that mitigate speculation of returns."""
        found = re.findall(rb"^([0-9a-f]+) \w \w*return_thunk$", self._text, re.MULTILINE)
        return frozenset(int(address, 16) for address in found)

    def is_separate(self, address: int) -> bool:
        """Whether a function begins exactly there, and not the seldom used part that the compiler cut off another."""
        found = self.find(address)
        return found is not None and found[2] == 0 and ".cold" not in found[1]

    def is_function(self, address: int) -> bool:
        """Whether a function begins exactly there."""
        addresses, _ = self._code
        place = bisect_right(addresses, address) - 1
        return place >= 0 and addresses[place] == address

    def find(self, address: int) -> tuple[str, str, int] | None:
        """(module, symbol, offset into it) of an address of the kernel; None where nothing is.

        Symbols have no sizes here: an address belongs to the one before it, of a function or of data.
        """
        tables = [self._code] if address < self._end_of_code else [self._code, self._data]
        nearest = None
        for starts, names in tables:
            place = bisect_right(starts, address) - 1
            if place >= 0 and (nearest is None or starts[place] > nearest[0]):
                nearest = starts[place], names[place]
        if nearest is None or address - nearest[0] > 1 << 24 or address >> 47 == 0:
            return None
        start, (name, module) = nearest
        return module, name, address - start

    @cached_property
    def _end_of_code(self) -> int:
        """Where the core kernel's functions end; 0 if that is not told."""
        return self.address("_etext") or 0

    def probe_point(self, address: int) -> str:
        """How a kprobe event names this address.

        By its offset from the start of the kernel, or from a symbol of the module whose name is unique there: names often
        are not, and the kernel takes two probes at plain addresses for the same one.
        """
        addresses, names = self._code
        place = bisect_right(addresses, address) - 1
        module = names[place][1]
        if module == VMLINUX:
            start = self.address("_text")
            return f"_text+{address - start:#x}" if start is not None else f"{address:#x}"
        while names[place - 1][1] == module and len(self._by_name[names[place]]) > 1:
            place -= 1
        return f"{module}:{names[place][0]}+{address - addresses[place]}"

    def named(self, name: str, module: str = "") -> tuple[int, str, str] | None:
        """(address, nm's letter, module) of a symbol of any kind; the core kernel's goes before modules'.

        The address is 0 where the kernel hides it, which does not matter to a program that is only compiled.
        """
        pattern = rb" " + re.escape(name.encode()) + rb"(?:\t\[(\S+)\])?$"
        best = None
        for match in re.finditer(pattern, self._raw, re.MULTILINE):
            place = (match[1] or VMLINUX.encode()).decode()
            if module in ("", place) and (best is None or place == VMLINUX):
                start = self._raw.rfind(b"\n", 0, match.start()) + 1
                address, letter = self._raw[start : match.start()].split()
                best = int(address, 16), letter.decode(), place
                if place == VMLINUX:
                    break
        return best

    @cache  # noqa: B019 - there is one of these, as long as the process
    def address(self, name: str) -> int | None:
        """The address of a symbol of the core kernel, of any kind."""
        match = re.search(rb"^([0-9a-f]+) \w " + re.escape(name.encode()) + rb"$", self._text, re.MULTILINE)
        return int(match[1], 16) if match else None
