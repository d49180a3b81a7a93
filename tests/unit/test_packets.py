"""Packets of pcap(): when they were, and tshark's part (contract A15). The rest is in tests/cases/host/packets.case."""

from __future__ import annotations

import io
import os
import stat
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dtrace_py.kernel.machine import Machine
from dtrace_py.output import tshark
from dtrace_py.output.packets import Packet, Packets
from dtrace_py.output.sink import Sink
from tests.case import NONE, run
from tests.conftest import can_load_programs

PROGRAM = """BEGIN {
    this->skb = (struct sk_buff *)alloca(sizeof (struct sk_buff)); this->skb->data = (unsigned char *)alloca(24);
    this->skb->data[0] = 0x45; this->skb->len = 20; %s exit(0);
}"""

TSHARK = """#!{python}
import os, struct, sys
if "{ending}" == "at once":
    sys.exit(0)
link = struct.unpack("<I", sys.stdin.buffer.read(24)[20:])[0]
while head := sys.stdin.buffer.read(16):
    captured, length = struct.unpack("<8xII", head)
    print(f"{{link}}: {{captured}} of {{length}} {{sys.stdin.buffer.read(captured)[:1].hex()}} as {{os.getuid()}}", flush=True)
    if "{ending}" == "soon":
        sys.exit(0)
print("{ending}")
"""
"""In place of tshark: a line for each packet, as that prints them."""

as_root = pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may look into, which pytest's are not; it comes first in PATH."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        os.chmod(name, 0o755)
        patch.setenv("PATH", name, prepend=os.pathsep)
        yield Path(name)


def put_tshark(folder: Path, ending: str = "") -> None:
    tshark = folder / "tshark"
    tshark.write_text(TSHARK.format(python="/usr/bin/python3", ending=ending))
    tshark.chmod(0o755)


def dtpy(statements: str, *arguments: str) -> str:
    outcome = run([*arguments, "-x", "scratchsize=1k", "-qn", PROGRAM % statements])
    assert (outcome.stderr, outcome.status) == ("", 0)
    return outcome.stdout


@as_root
def test_a_packet_says_when_it_was(folder: Path) -> None:
    before = time.time()
    dtpy(f'freopen("{folder}/cap"); pcap(this->skb, PCAP_ETHER);', "-w")
    seconds, micros, captured, length = struct.unpack("<24x4I20x", (folder / "cap").read_bytes())
    assert before - 0.01 <= seconds + micros / 1e6 <= time.time() + 0.01
    assert (captured, length) == (20, 20)


@as_root
def test_tshark_explains_packets_by_link_type(folder: Path) -> None:
    put_tshark(folder)
    said = dtpy('pcap(this->skb, PCAP_IP); printf("text\\n"); pcap(this->skb, PCAP_ETHER); pcap(this->skb, PCAP_IP);')
    assert said.splitlines() == [
        "pcap \t101: 20 of 20 45 as 65534",
        "text",
        "pcap \t1: 20 of 20 45 as 65534",
        "pcap \t101: 20 of 20 45 as 65534",
        "pcap \t",
        "pcap \t",
        "",
    ]


@as_root
def test_without_tshark_after_all(folder: Path) -> None:
    """One that ends at once; one that ends later."""
    put_tshark(folder, "at once")
    assert dtpy("pcap(this->skb, PCAP_IP);").count("45 00 00") == 1
    put_tshark(folder, "soon")
    said = dtpy("pcap(this->skb, PCAP_IP); pcap(this->skb, PCAP_IP); pcap(this->skb, PCAP_IP);")
    assert said.startswith("pcap \t101: 20 of 20 45")
    assert said.count("45 00 00") == 2


@as_root
def test_a_capture_is_not_for_tshark(folder: Path) -> None:
    put_tshark(folder)
    assert dtpy(f'freopen("{folder}/cap"); pcap(this->skb, PCAP_IP);', "-w") == "\n"


def test_a_pipe_gets_a_header_each_time_it_is_opened(tmp_path: Path) -> None:
    """Who reads it has then seen none."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert stat.S_ISFIFO(path.stat().st_mode)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = Sink(io.BytesIO(), "stdout")
    packets = Packets(sink, 1514)
    for _ in range(2):
        sink.redirect(str(path))
        packets.put(Packet(b"abcd", 4, 0, 1), pytest.fail)
        packets.put(Packet(b"abcd", 4, 0, 1), pytest.fail)
        sink.restore()
        assert len(os.read(reading, 1 << 12)) == 24 + 2 * 20
    os.close(reading)


PIECES = """struct piece { uint64_t page; uint32_t length, offset; };
BEGIN {
    this->base = *(uint64_t *)&`vfs_read; /* stands for both of the kernel's variables, and is any number, odd ones among them */
    this->skb = (struct sk_buff *)alloca(sizeof (struct sk_buff)); this->skb->data = (unsigned char *)alloca(24);
    this->data = (unsigned char *)alloca(64); this->shared = (struct skb_shared_info *)alloca(512);
    this->skb->data[0] = 'h'; this->skb->data[1] = 'i'; this->skb->head = (unsigned char *)this->shared - 64; this->skb->end = 64;
    this->data[0] = 'a'; this->data[1] = 'b'; this->data[2] = 'c'; this->data[40] = 'x'; this->data[41] = 'y';
    this->shared->nr_frags = 2; this->piece = (struct piece *)&this->shared->frags;
    this->at = (uint64_t)this->data - this->base;
    this->piece[0].page = this->base + (this->at >> 12) * 64 + (this->base & 1);
    this->piece[0].offset = this->at & 4095; this->piece[0].length = 3;
    this->piece[1].page = this->piece[0].page; this->piece[1].offset = (this->at & 4095) + 40; this->piece[1].length = 2;
    this->skb->len = 7; this->skb->data_len = 5; pcap(this->skb, PCAP_IP);
    this->piece[1].length = 20; this->skb->len = 25; this->skb->data_len = 23; pcap(this->skb, PCAP_IP);
    this->piece[0].page = this->piece[0].page + 1; pcap(this->skb, PCAP_IP);
    this->skb->head = NULL; this->skb->len = 9; this->skb->data_len = 9; pcap(this->skb, PCAP_IP);
    exit(0);
}"""


@as_root
def test_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a made-up packet: two, a last one that is cut by pcapsize, and some that cannot be read."""
    machine = Machine()
    base = machine.symbols.address("vfs_read")
    monkeypatch.setattr(tshark, "COMMAND", NONE)
    monkeypatch.setattr(Machine, "pages", lambda _: (base, base, 64))
    outcome = run(["-x", "scratchsize=2k", "-x", "pcapsize=16", "-qn", PIECES])
    assert (outcome.stderr, outcome.status) == ("", 0)
    rows = [line for line in outcome.stdout.splitlines() if line.startswith("         0:")]
    assert rows == [
        "         0: 68 69 61 62 63 78 79                             hiabcxy",
        "         0: 68 69 61 62 63 78 79 00 00 00 00 00 00 00 00 00  hiabcxy.........",
        "         0: 68 69                                            hi",
    ]
