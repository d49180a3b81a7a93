"""The command ``dtpy-lab``: run a command, or a shell, in a throw-away guest with a real kernel."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from dtrace_py.lab import kernels
from dtrace_py.lab.errors import LabError
from dtrace_py.lab.guest import Guest, Setup, Terminal, boot

_EPILOG = """
Exit status: that of the command; 120 when the guest's kernel died, locked up or complained, 124 when the time limit
passed, 125 when the lab itself could not do its part, 126 or 127 when the command cannot be run.
"""


def _say(text: str) -> None:
    print(f"dtpy-lab: {text}", file=sys.stderr, flush=True)


def _guest_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option("--kernel", default=kernels.DEFAULT, show_default=True, metavar="SERIES|PATH",
                     help="A Debian series such as 6.12 or 6.1, a kernel image, or an unpacked package."),
        click.option("--cpus", type=click.IntRange(1, 64), default=2, show_default=True),
        click.option("--memory", type=click.IntRange(256), default=2048, show_default=True, help="In MiB."),
        click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds, boot included."),
        click.option("--share", "shares", multiple=True, metavar="DIR",
                     type=click.Path(exists=True, file_okay=False, path_type=Path),
                     help="A directory that the guest may write to. Everything else it writes is thrown away."),
        click.option("--warn-ok", is_flag=True, help="A WARN in the guest's kernel log does not count as its death."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Boot a real Debian kernel in a throw-away guest and work there as root.

    The guest sees this machine's files read-only below a memory file system: what it writes never reaches the host.
    """


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@_guest_options
@click.option(
    "--dump",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the memory of a guest that stops answering there, for dtpy --postmortem.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...], timeout: float | None, **options: Any) -> NoReturn:
    """Run COMMAND in a guest; its output and its exit status are passed through."""
    stdin = None if sys.stdin.isatty() else sys.stdin.fileno()
    setup = _setup(timeout=600.0 if timeout is None else timeout, **options)
    with _reported(), boot(setup, _say) as guest, _signals_passed_to(guest):
        status = guest.run(list(command), _writer(sys.stdout.fileno()), _writer(sys.stderr.fileno()), stdin)
    sys.exit(status)


@main.command()
@_guest_options
def shell(**options: Any) -> NoReturn:
    """Open a shell in a guest."""
    if not sys.stdin.isatty():
        raise click.UsageError("a shell needs a terminal; use 'dtpy-lab run' otherwise")
    with _reported(), boot(_setup(**options), _say) as guest, _raw_terminal():
        size = shutil.get_terminal_size()

        def resized(*_: object) -> None:
            now = os.get_terminal_size()
            guest.tell(size=[now.lines, now.columns])

        signal.signal(signal.SIGWINCH, resized)
        write = _writer(sys.stdout.fileno())
        terminal = Terminal(size.lines, size.columns)
        status = guest.run([os.environ.get("SHELL", "/bin/sh")], write, write, sys.stdin.fileno(), terminal)
    sys.exit(status)


@main.command(name="kernels")
@click.argument("series", nargs=-1)
def kernels_command(series: tuple[str, ...]) -> None:
    """List the kernels in the cache and those that can be fetched, or fetch those named by SERIES."""
    with _reported():
        for name in series:
            print(f"{kernels.find(name).release} is ready")
        if series:
            return
        ready = kernels.fetched()
        for kernel in ready:
            print(f"{kernel.release:40} ready     {kernel.image}")
        for release, package in kernels.fetchable():
            if release not in {kernel.release for kernel in ready}:
                print(f"{release:40} to fetch  Debian's {package}")


def _setup(
    kernel: str,
    cpus: int,
    memory: int,
    shares: tuple[Path, ...],
    warn_ok: bool,
    timeout: float | None,
    dump: Path | None = None,
) -> Setup:
    if dump is not None and not os.access(dump.absolute().parent, os.W_OK):
        raise click.BadParameter(f"cannot write to {dump.absolute().parent}", param_hint="'--dump'")
    with _reported():
        found = kernels.find(kernel)
        return Setup(found, cpus, memory, timeout, tuple(path.resolve() for path in shares), warn_ok, dump)


@contextmanager
def _reported() -> Iterator[None]:
    """Errors of the lab end the command with their own status; an interrupt that reached no command, with 130."""
    try:
        yield
    except LabError as error:
        _say(str(error))
        sys.exit(error.status)
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(130)


@contextmanager
def _signals_passed_to(guest: Guest) -> Iterator[None]:
    """The first SIGINT or SIGTERM goes to the command in the guest; a second one, or one before it runs, ends the guest."""

    def passed(number: int, frame: FrameType | None) -> None:
        if not guest.interrupt(number):
            raise KeyboardInterrupt

    before = {number: signal.signal(number, passed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _raw_terminal() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _writer(descriptor: int) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    return write
