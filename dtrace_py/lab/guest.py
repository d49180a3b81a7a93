"""One guest, from boot to the status of its command. Every process started here dies with the one that started it."""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO, Any

from dtrace_py.lab import fileserver, initramfs, machine
from dtrace_py.lab.console import Console
from dtrace_py.lab.errors import GuestDied, GuestTimeout, LabError
from dtrace_py.lab.kernels import Kernel
from dtrace_py.lab.monitor import Monitor
from dtrace_py.record import record

_BOOT_SECONDS = 120
"""A guest whose agent has not reported by then never will."""

_INTERRUPT_GRACE = 30.0
"""Seconds that the command has to end after an interrupt was passed to it."""

_PR_SET_PDEATHSIG = 1

IN_LAB = "DTPY_IN_LAB"
"""The variable that a command in the guest finds itself there by; its value is the kernel's release."""

Sink = Callable[[bytes], object]


@record
class Setup:
    """What the guest is made of: memory in MiB, time limit in seconds, shared directories as they are named here.

    ``dump`` is the file for the memory of a guest that stops answering.
    """

    kernel: Kernel
    cpus: int = 2
    memory: int = 2048
    timeout: float | None = None
    shares: tuple[Path, ...] = ()
    warn_ok: bool = False
    dump: Path | None = None


@dataclass(slots=True)
class Terminal:
    """The size of the user's terminal, for a command that wants one."""

    rows: int
    columns: int


@dataclass(slots=True)
class Guest:
    """A running guest. Use ``boot`` to get one; ``run`` may be called once."""

    setup: Setup
    process: subprocess.Popen[bytes]
    servers: list[subprocess.Popen[bytes]]
    ports: dict[str, socket.socket]
    log: IO[bytes]
    """What qemu and the file servers print."""
    monitor: Monitor | None = None
    console: Console = field(default_factory=Console)
    boot_seconds: float = 0.0
    _started: float = field(default_factory=time.monotonic)
    _interrupted: float | None = None
    _threads: list[threading.Thread] = field(default_factory=list)

    def run(
        self,
        command: list[str],
        stdout: Sink,
        stderr: Sink,
        stdin: int | None = None,
        terminal: Terminal | None = None,
    ) -> int:
        """Run ``command`` in the guest, in the directory and environment of this process; returns its status.

        ``stdin`` is a descriptor to feed it from. Raises GuestDied, or GuestTimeout.
        """
        self._collect("console", self.console.add)
        self._collect("stdout", stdout)
        self._collect("stderr", stderr)
        messages = self._messages()
        self.boot_seconds = time.monotonic() - self._started
        size = [terminal.rows, terminal.columns] if terminal else None
        self.tell(
            run=command,
            directory=os.getcwd(),
            environment=self._environment(),
            terminal=size,
            stdin=stdin is not None,
        )
        if stdin is not None:
            threading.Thread(target=self._feed, args=(stdin,), daemon=True).start()
        return self._status(messages)

    def _environment(self) -> dict[str, str]:
        """This process's, and the way to dtpy if it is not in the path: it is where this Python is."""
        path = f"{os.environ.get('PATH', os.defpath)}:{os.path.dirname(sys.executable)}"
        return {**os.environ, "PATH": path, IN_LAB: self.setup.kernel.release}

    def tell(self, **message: object) -> None:
        """Send an order to the agent; a guest that is already gone is found out elsewhere."""
        try:
            self.ports["control"].sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass

    def interrupt(self, number: int) -> bool:
        """Pass a signal to the command, once; False when the caller should rather give up on the guest."""
        if not self.boot_seconds or self._interrupted is not None:
            return False
        self._interrupted = time.monotonic()
        self.tell(signal=number)
        return True

    def _messages(self) -> Iterator[dict[str, Any]]:
        """What the agent says, from its first word on, until the guest ends or a limit passes."""
        messages = self._read_control()
        if "alive" not in next(messages, {}):
            raise self._death("did not boot")
        return messages

    def _read_control(self) -> Iterator[dict[str, Any]]:
        control, pending, ended = self.ports["control"], b"", False
        while True:
            control.settimeout(min(0.2, self._left()))
            try:
                data = control.recv(65536)
            except TimeoutError:
                if ended:
                    return
                # What it said last may have arrived just now: one more look.
                ended = self.monitor is not None and self.monitor.ended()
                continue
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            yield from (json.loads(line) for line in lines)

    def _left(self) -> float:
        """Seconds until the next limit; raises when one has passed."""
        now = time.monotonic()
        if self._interrupted is not None and now > self._interrupted + _INTERRUPT_GRACE:
            raise KeyboardInterrupt
        if self.setup.timeout is not None and now > self._started + self.setup.timeout:
            dumped = self._dumped()
            raise GuestTimeout(f"the guest was still busy after {self.setup.timeout:g} s{dumped}{self.console.tail()}")
        if not self.boot_seconds and now > self._started + _BOOT_SECONDS:
            raise self._death(f"did not boot in {_BOOT_SECONDS} s")
        if any(server.poll() is not None for server in self.servers):
            raise self._death("lost its file server")
        return 0.2

    def _status(self, messages: Iterator[dict[str, Any]]) -> int:
        message = next(messages, None)
        if message is None:
            raise self._death("ended without a status")
        if "error" in message:
            raise LabError(f"the guest's agent failed: {message['error']}")
        # The agent wrote all output before it sent the status, so it is on this side already and only has to be read.
        self.process.kill()
        for thread in self._threads:
            thread.join()
        if self.console.complaint and not (self.setup.warn_ok and "WARNING:" in self.console.complaint):
            raise self._death("had a broken kernel when its command ended")
        return int(message["exit"])

    def _dumped(self) -> str:
        """Dump the guest's memory if that was asked for; returns what the error message says about it."""
        path = self.setup.dump
        if path is None or self.monitor is None:
            return ""
        failure = self.monitor.dump(path)
        return f"; its memory is in {path}" if failure is None else f"; its memory could not be dumped: {failure}"

    def _death(self, how: str) -> GuestDied:
        dumped = self._dumped()
        self.process.kill()
        for thread in self._threads:
            thread.join(1)
        cause = f": {self.console.complaint}" if self.console.complaint else ""
        self.log.seek(0)
        said = "".join(f"\n    host: {line}" for line in self.log.read().decode(errors="replace").splitlines())
        return GuestDied(f"the guest {how}{cause}{dumped}{self.console.tail()}{said}")

    def _collect(self, name: str, sink: Sink) -> None:
        def copy() -> None:
            try:
                while data := self.ports[name].recv(65536):
                    sink(data)
            except OSError:
                pass

        thread = threading.Thread(target=copy, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _feed(self, source: int) -> None:
        target = self.ports["stdin"]
        try:
            while data := os.read(source, 65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@contextmanager
def boot(setup: Setup, announce: Callable[[str], object]) -> Iterator[Guest]:
    """Boot a guest; it and its file servers are gone when the block ends, however it ends."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root, for its file server's read-only view of this machine; try sudo")
    accelerator = machine.accelerator(setup.kernel)
    announce(f"Linux {setup.kernel.release}, {setup.cpus} CPUs, {setup.memory} MiB, {accelerator.reason}")
    with ExitStack() as stack:
        log = stack.enter_context(tempfile.TemporaryFile())
        tags = {"root": (Path("/"), True)}
        tags.update({f"share{n}": (path.resolve(), False) for n, path in enumerate(setup.shares)})
        servers = {tag: stack.enter_context(_file_server(path, ro, log)) for tag, (path, ro) in tags.items()}
        sockets = {tag: name for tag, (name, _) in servers.items()}
        agent = stack.enter_context(as_file(files("dtrace_py.lab").joinpath("agent.py")))
        archive = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dtpy-lab-"))) / "initramfs"
        archive.write_bytes(initramfs.build(setup.kernel, _config(setup, agent, tags)))
        ports, inherited = {}, {}
        for name in ("console", "control", "stdin", "stdout", "stderr", *(["monitor"] if setup.dump else [])):
            ports[name], inherited[name] = socket.socketpair()
            stack.enter_context(ports[name])
        numbers = {name: end.fileno() for name, end in inherited.items()}
        line = machine.command(
            setup.kernel, accelerator, setup.cpus, setup.memory, archive, sockets, numbers, setup.warn_ok
        )
        process = stack.enter_context(_child(line, tuple(numbers.values()), log))
        for end in inherited.values():
            end.close()
        monitor = Monitor(ports["monitor"]) if setup.dump else None
        yield Guest(setup, process, [server for _, server in servers.values()], ports, log, monitor)


def _config(setup: Setup, agent: Path, tags: dict[str, tuple[Path, bool]]) -> str:
    """The shell fragment that init.sh reads."""
    shares = "".join(f"    share {tag} {shlex.quote(str(path))}\n" for tag, (path, ro) in tags.items() if not ro)
    modules = str(setup.kernel.modules or "")
    values = {"python": os.path.realpath(sys.executable), "agent": str(agent), "modules": modules}
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in values.items()]
    return "".join(lines) + f"shares() {{\n    :\n{shares}}}\n"


@contextmanager
def _file_server(directory: Path, read_only: bool, log: IO[bytes]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a directory; yields the abstract socket to connect to, and the server."""
    if not directory.is_dir():
        raise LabError(f"cannot share {directory}: not a directory")
    fileserver.find()
    name = f"dtpy-lab-{os.getpid()}-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen(1)
        line = fileserver.command(sys.executable, listener.fileno(), directory, read_only)
        with _child(line, (listener.fileno(),), log) as server:
            yield name, server


@contextmanager
def _child(command: list[str], inherited: tuple[int, ...], log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that the kernel kills when this one dies, by whatever signal."""
    libc, parent = ctypes.CDLL(None), os.getpid()

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=inherited,
        preexec_fn=tie,
        start_new_session=True,  # a Ctrl-C on the terminal is ours to handle
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
