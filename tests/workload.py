"""A process that does one thing over and over, for probes to see: ``workload.py NAME``."""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import sys
import time
from collections.abc import Callable


def read_ten_bytes() -> None:
    """open, read 10 bytes, close."""
    descriptor = os.open("/proc/version", os.O_RDONLY)
    os.read(descriptor, 10)
    os.close(descriptor)


def bad_close() -> None:
    """A close() that fails with EBADF."""
    try:
        os.close(10_000)
    except OSError:
        pass


def call_as_32_bit() -> Callable[[], object]:
    """getpid() as a 32-bit program calls it: number 20, which is writev() for a 64-bit one."""
    code = bytes.fromhex("53 b8 14 00 00 00 cd 80 5b c3")  # push rbx; mov eax, 20; int 0x80; pop rbx; ret
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    start = ctypes.c_char.from_buffer(page)
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(start))

    def call(_code: ctypes.c_char = start) -> object:  # the code is there as long as something refers to it
        return function()

    return call


def spawn() -> None:
    """A process that ends at once."""
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def send_datagram() -> Callable[[], object]:
    """A UDP packet of six bytes from port 7001 to port 7002."""
    receiver, sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    receiver.bind(("127.0.0.1", 7002))
    sender.bind(("127.0.0.1", 7001))

    def send() -> object:
        sender.sendto(b"pcap()", ("127.0.0.1", 7002))
        return receiver.recv(100)

    return send


def send_stream() -> Callable[[], object]:
    """8,000 bytes by TCP, which are one packet on the way."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = socket.create_connection(server.getsockname())
        receiver, _ = server.accept()
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send() -> object:
        sender.sendall(b"0123456789" * 800)
        return receiver.recv(8000, socket.MSG_WAITALL)

    return send


def main(name: str) -> None:
    actions: dict[str, Callable[[], object]] = {
        "getppid": os.getppid,
        "read": read_ten_bytes,
        "close": bad_close,
        "spawn": spawn,
        "sleep": lambda: None,
        "spin": lambda: sum(range(100_000)),
    }
    made = {"int80": call_as_32_bit, "datagram": send_datagram, "stream": send_stream}
    if name in made:
        actions[name] = made[name]()
    print("ready", flush=True)
    while True:
        actions[name]()
        if name != "spin":
            time.sleep(0.02)


main(sys.argv[1])
