"""Trace for ten seconds, press Ctrl-C, show what came: ``python -m dtrace_py.lab.showcase PROGRAM`` (``make run``).

On this machine's kernel if it can be traced, else in a guest of the lab. Of a long output the middle is left out.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from dtrace_py.kernel.requirements import untraceable
from dtrace_py.lab.guest import IN_LAB

SECONDS = 10
_HEAD, _TAIL = 15, 25
"""Lines that are shown of the beginning and of the end."""

_STARTED = f'BEGIN {{ printf("tracing for {SECONDS} seconds"); }}'
"""BEGIN fires when everything is attached, so this is the line to count the seconds from."""

_LOAD = "while :; do find /usr/share/doc >/dev/null; dd if=/dev/zero of=/dev/null bs=64k count=200 2>/dev/null; sleep 0.2; done"


def main(program: str) -> int:
    """Choose the kernel, trace, and return the exit status of dtpy or of the lab."""
    if IN_LAB in os.environ:
        with load():
            return trace(program)
    own = f"this machine's own kernel, Linux {os.uname().release}"
    if reason := untraceable():
        print(
            f"make run: in a guest of the lab, with find and dd at work, because {own}, cannot be traced: {reason}",
            flush=True,
        )
        python = [sys.executable, "-m"]
        guest = [*python, "dtrace_py.lab", "run", "--timeout", "300", "--"]
        return subprocess.call([*guest, *python, "dtrace_py.lab.showcase", program])
    print(f"make run: on {own}, because it can be traced", flush=True)
    return trace(program)


def trace(program: str) -> int:
    """Run dtpy on a program and interrupt it ten seconds after it has begun."""
    command = [sys.executable, "-m", "dtrace_py", "-x", "teardownreport", "-n", _STARTED, "-n", program]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    timer = threading.Timer(SECONDS, process.send_signal, [signal.SIGINT])
    last: list[bytes] = []
    relay = threading.Thread(target=_relay, args=(process.stderr, last))
    relay.start()
    try:
        _show(process.stdout, timer)
    except KeyboardInterrupt:  # dtpy has got it too, being of the same group
        pass
    finally:
        timer.cancel()
        relay.join()
        sys.stderr.buffer.writelines(last)
    return process.wait()


def _relay(stderr: IO[bytes], last: list[bytes]) -> None:
    """Pass messages on, but for the report on the teardown, which is to come last."""
    for line in stderr:
        if b": detached " in line:
            last.append(line)
        else:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


def _show(output: IO[bytes], timer: threading.Timer) -> None:
    """Print the beginning as it comes and the rest when all is there; the first record starts the timer."""
    tail: deque[bytes] = deque(maxlen=_TAIL)
    count = 0
    for count, line in enumerate(output, start=1):
        if timer.ident is None and b"tracing for" in line:
            timer.start()
        if count > _HEAD:
            tail.append(line)
            continue
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    if left_out := max(0, count - _HEAD - len(tail)):
        print(f"  ... {left_out:,} lines ...", flush=True)
    sys.stdout.buffer.writelines(tail)
    sys.stdout.buffer.flush()


@contextmanager
def load() -> Iterator[None]:
    """Something to trace: ``find`` and ``dd`` over and over."""
    process = subprocess.Popen(["sh", "-c", _LOAD], start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
