"""Makes BTF: the few kinds of types that tests need, in the kernel's layout."""

from __future__ import annotations

import struct

from dtrace_py.kernel import btf


class Blob:
    """Types are added one by one; each method returns the number of the type that it adds."""

    def __init__(self, base: Blob | None = None) -> None:
        self.base = base
        self.strings = b"" if base else b"\0"
        self.types = b""
        self.count: int = base.count if base else 1

    def string(self, text: str) -> int:
        """The place of a string, which blobs hold once."""
        if self.base and (found := self.base.known(text)) is not None:
            return found
        found = self.known(text)
        if found is None:
            found = self._first + len(self.strings)
            self.strings += text.encode() + b"\0"
        return found

    @property
    def _first(self) -> int:
        return len(self.base.strings) if self.base else 0

    def known(self, text: str) -> int | None:
        found = (b"\0" + self.strings).find(b"\0" + text.encode() + b"\0")
        return self._first + found if found >= 0 else None

    def add(self, kind: int, name: str, size: int, *body: int, elements: int = 0, flag: bool = False) -> int:
        words = self.string(name), kind << 24 | elements | flag << 31, size, *body
        self.types += struct.pack(f"<{len(words)}I", *words)
        self.count += 1
        return self.count - 1

    def integer(self, name: str, size: int, signed: bool) -> int:
        return self.add(btf.INT, name, size, signed << 24 | size * 8)

    def structure(self, name: str, size: int, *members: tuple[str, int, int], kind: int = btf.STRUCT) -> int:
        """Members are (name, type, offset in bits)."""
        body = [word for member, of, bits in members for word in (self.string(member), of, bits)]
        return self.add(kind, name, size, *body, elements=len(members))

    def bits(self, name: str, size: int, *members: tuple[str, int, int, int]) -> int:
        """A structure of bit-fields: (name, type, offset in bits, width)."""
        body = [word for member, of, at, width in members for word in (self.string(member), of, at | width << 24)]
        return self.add(btf.STRUCT, name, size, *body, elements=len(members), flag=True)

    def enumeration(self, name: str, flag: bool = False, **values: int) -> int:
        body = [word for value, number in values.items() for word in (self.string(value), number & 0xFFFFFFFF)]
        return self.add(btf.ENUM, name, 4, *body, elements=len(values), flag=flag)

    def enumeration64(self, name: str, **values: int) -> int:
        body = [word for v, number in values.items() for word in (self.string(v), number & 0xFFFFFFFF, number >> 32)]
        return self.add(btf.ENUM64, name, 8, *body, elements=len(values))

    def function(self, name: str, result: int, **parameters: int) -> int:
        body = [word for parameter, of in parameters.items() for word in (self.string(parameter), of)]
        prototype = self.add(btf.FUNC_PROTO, "", result, *body, elements=len(parameters))
        return self.add(btf.FUNC, name, prototype)

    def array(self, of: int, count: int) -> int:
        return self.add(btf.ARRAY, "", 0, of, of, count)

    def build(self) -> bytes:
        lengths = 24, 0, len(self.types), len(self.types), len(self.strings)
        return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, *lengths) + self.types + self.strings
