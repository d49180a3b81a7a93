"""Entry of very many functions on a kernel without fprobe, through ftrace's own function tracer.

ftrace patches all functions of an instance at once, and gives them back at once: that is the floor. What it then calls in each
of them records for ftrace alone, so our instance's is switched off, and a breakpoint of each CPU stands at the beginning of it:
a program there finds the function, its caller and its registers.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from dtrace_py.errors import DtpyError
from dtrace_py.kernel import bpf, perf
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.providers.fbt import VMLINUX, function_place
from dtrace_py.providers.probe import Probe
from dtrace_py.runtime.guardian import Guardian

WORTHWHILE = 512
"""From so many functions on. A kprobe of each takes milliseconds to make, but is quicker to come to: many hypervisors look at
every exception of a debug register first."""

_INSTANCES = Path(TRACEFS, "instances")
_DYING_SECONDS = 60
"""How long a killed process may take to close what it has open in its instance."""


def instance() -> str:
    """The name of this process's instance."""
    return f"dtpy_{os.getpid()}"


@contextmanager
def attached(program: int, tracer: int, probes: Sequence[Probe], cpus: Sequence[int]) -> Iterator[None]:
    """A program at entry probes of fbt; ``tracer`` is the address of what ftrace calls.

    Raises OSError, or DtpyError if the kernel's list of functions is another one meanwhile. A guardian takes everything back
    should this process be killed.
    """
    _remove_stale()
    folder = _INSTANCES / instance()
    with Guardian(lambda owner: _remove(folder)):
        folder.mkdir()
        try:
            (folder / "tracing_on").write_text("0")
            _choose(folder / "set_ftrace_filter", probes)
            (folder / "current_tracer").write_text("function")
            with ExitStack() as stack:  # behind that, and gone before it, because breakpoints slow patching down
                for cpu in cpus:
                    event = stack.enter_context(bpf.owned(perf.breakpoint_at(cpu, tracer)))
                    stack.enter_context(bpf.owned(bpf.link_event(program, event, 0)))
                yield
        finally:
            _remove(folder)


def _choose(filter_: Path, probes: Sequence[Probe]) -> None:
    """Say which functions, by their numbers: names are not unique, and take the kernel a look at all functions each."""
    places = {function_place(probe): probe for probe in sorted(probes, key=lambda each: each.id)}
    filter_.write_text(" ".join(str(place + 1) for place in places))
    if filter_.read_text().splitlines() != list(map(_listed, places.values())):
        raise DtpyError("could not enable tracing: a module has come or gone meanwhile; try again")


def _listed(probe: Probe) -> str:
    """A function as the kernel's lists have it."""
    return probe.function if probe.module == VMLINUX else f"{probe.function} [{probe.module}]"


def _remove(folder: Path) -> None:
    """Let go of all its functions, and of the instance. Somebody else may be about to do the same."""
    deadline = time.monotonic() + _DYING_SECONDS
    with suppress(FileNotFoundError):
        (folder / "current_tracer").write_text("nop")
        while True:
            try:
                return folder.rmdir()
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _remove_stale() -> None:
    """Remove instances of dtpy processes that were killed, their guardian too."""
    for folder in _INSTANCES.glob("dtpy_*"):
        if not Path("/proc", folder.name.removeprefix("dtpy_")).exists():
            _remove(folder)
