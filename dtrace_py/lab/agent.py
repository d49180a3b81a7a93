"""The guest's process 1 once the file systems stand: runs one command, relays its streams, sends its status home.

It runs under the host's own Python with nothing but the standard library. The host speaks to it over virtio ports:
JSON lines on ``dtpy.control`` ({"run": …}, {"signal": N}, {"size": [rows, columns]} come in; {"alive": seconds},
{"exit": status} and {"error": text} go out), the command's bytes on ``dtpy.stdin``, ``dtpy.stdout`` and ``dtpy.stderr``.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pty
import select
import signal
import struct
import termios
import threading
import time
from typing import Any, NoReturn

_LINGER = 0.5
"""Seconds for which output of processes that the command left behind is still relayed."""

_POWER_OFF = 0x4321FEDC


def port(name: str) -> int:
    """A descriptor for the virtio port of that name."""
    for entry in os.scandir("/sys/class/virtio-ports"):
        with open(f"{entry.path}/name") as file:
            if file.read().strip() == name:
                return os.open(f"/dev/{entry.name}", os.O_RDWR)
    raise FileNotFoundError(f"no virtio port {name}")


class Agent:
    """One command's life: started by the host's order, its streams relayed by a thread each."""

    def __init__(self) -> None:
        self.control = port("dtpy.control")
        self.pending = b""
        self.child = 0
        self.terminal: int | None = None
        self.outputs: list[threading.Thread] = []

    def send(self, **message: object) -> None:
        os.write(self.control, json.dumps(message).encode() + b"\n")

    def serve(self) -> int:
        """Obey the host until the command and its output have ended; returns its status as a shell would give it."""
        woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self.control, woken], [], [])
            if self.control in ready:
                for order in self.orders():
                    self.obey(order)
            if woken in ready:
                os.read(woken, 4096)
                status = reap(self.child)
                if status is not None:
                    break
        deadline = time.monotonic() + _LINGER
        for thread in self.outputs:
            thread.join(max(0.0, deadline - time.monotonic()))
        return status

    def orders(self) -> list[dict[str, Any]]:
        """The complete messages that have arrived from the host."""
        *lines, self.pending = (self.pending + os.read(self.control, 65536)).split(b"\n")
        return [json.loads(line) for line in lines]

    def obey(self, order: dict[str, Any]) -> None:
        if "run" in order and order["terminal"]:
            self.start_on_terminal(order)
        elif "run" in order:
            self.start(order)
        elif "signal" in order and self.child:
            # The whole session, as a terminal's Ctrl-C would reach every process of the foreground group.
            os.killpg(self.child, order["signal"])
        elif "size" in order:
            self.resize(order["size"])

    def start(self, order: dict[str, Any]) -> None:
        stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.setsid()
            for target, source in enumerate((stdin[0], stdout[1], stderr[1])):
                os.dup2(source, target)
            run(order)
        for descriptor in (stdin[0], stdout[1], stderr[1]):
            os.close(descriptor)
        self.outputs = [relay(stdout[0], port("dtpy.stdout")), relay(stderr[0], port("dtpy.stderr"))]
        if order["stdin"]:
            relay(port("dtpy.stdin"), stdin[1])
        else:
            os.close(stdin[1])

    def start_on_terminal(self, order: dict[str, Any]) -> None:
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            run(order)
        self.resize(order["terminal"])
        self.outputs = [relay(self.terminal, port("dtpy.stdout"))]
        relay(port("dtpy.stdin"), self.terminal)

    def resize(self, size: list[int]) -> None:
        if self.terminal is not None:
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))


def run(order: dict[str, Any]) -> NoReturn:
    """In the child: become the command of the order."""
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.chdir(order["directory"])
        os.execvpe(order["run"][0], order["run"], order["environment"])
    except OSError as error:
        os.write(2, f"dtpy-lab: cannot run {order['run'][0]}: {error.strerror}\n".encode())
        os._exit(126 if isinstance(error, PermissionError) else 127)


def relay(source: int, target: int) -> threading.Thread:
    """Start to copy one descriptor to another until either ends, then close the target."""

    def copy() -> None:
        try:
            while data := memoryview(os.read(source, 65536)):
                while data:
                    data = data[os.write(target, data) :]
        except OSError:  # nobody reads any longer, or a pseudo-terminal whose last user has gone
            pass
        os.close(target)

    thread = threading.Thread(target=copy, daemon=True)
    thread.start()
    return thread


def reap(child: int) -> int | None:
    """Collect ended processes, orphans included; the command's status once it has ended."""
    status = None
    while True:
        try:
            pid, code = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == child:
            status = os.WEXITSTATUS(code) if os.WIFEXITED(code) else 128 + os.WTERMSIG(code)


def main() -> None:
    agent = Agent()
    with open("/proc/uptime") as file:
        agent.send(alive=float(file.read().split()[0]))
    try:
        agent.send(exit=agent.serve())
    except Exception as error:  # anything else would be a kernel panic: process 1 must not end
        agent.send(error=f"{type(error).__name__}: {error}")
    ctypes.CDLL(None).reboot(_POWER_OFF)


if __name__ == "__main__":
    main()
