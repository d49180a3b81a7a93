"""Packets of pcap(): to a capture file, to tshark, or as a hex dump (contract A15)."""

from __future__ import annotations

import struct
from collections.abc import Callable

from dtrace_py.output import memory
from dtrace_py.output.sink import Sink
from dtrace_py.output.tshark import Tshark
from dtrace_py.record import record

_IN_FILES = {12: 101}
"""Link types that have another number in files: raw IP. (libpcap has more, of networks that are gone.)"""

_LINK_TYPES = range(1 << 16)


@record
class Packet:
    """What was captured of a packet, how long it is, when it was (nanoseconds since 1970), and of what link type."""

    captured: bytes
    length: int
    time: int
    link: int

    def encoded(self) -> bytes:
        """As files have it."""
        seconds, rest = divmod(self.time, 10**9)
        return struct.pack("<4I", seconds, rest // 1000, len(self.captured), self.length) + self.captured


def header(link: int, most: int) -> bytes:
    """How a capture file begins: of times in microseconds, and of at most so many bytes a packet."""
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, most, _IN_FILES.get(link, link))


class Packets:
    """Where the packets of a run go."""

    def __init__(self, sink: Sink, most: int) -> None:
        self._sink = sink
        self._most = most
        self._tsharks: dict[int, Tshark] = {}

    def put(self, packet: Packet, say: Callable[[str], object]) -> str:
        """Pass a packet on; returns what is to be printed of it here."""
        if packet.link not in _LINK_TYPES:
            say(f"couldn't capture a packet: {packet.link} is no link type")
            return ""
        if self._sink.redirected:
            try:
                self._sink.capture(header(packet.link, self._most), packet.encoded())
            except ValueError:
                say(f"couldn't capture a packet: the file is of another link type than {packet.link}")
            return ""
        if packet.link not in self._tsharks:
            self._tsharks[packet.link] = Tshark(header(packet.link, self._most))
        explained = self._tsharks[packet.link].explain(packet.encoded())
        return memory.dump(packet.captured) if explained is None else explained

    def finish(self) -> str:
        """No more packets: returns what is still to be printed."""
        return "".join(tshark.finish() for tshark in self._tsharks.values())
