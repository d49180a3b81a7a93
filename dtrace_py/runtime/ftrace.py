"""Very many functions on a kernel without fprobe, through ftrace's own tracers.

ftrace patches all of a tracer's functions at once, and gives them back at once: that is the floor. What it then calls in each of
them would record for ftrace alone, and is kept from it; a breakpoint of each CPU stands at the beginning of it, where a
program finds the function, its caller and its registers.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from dtrace_py.errors import DtpyError
from dtrace_py.kernel import bpf, perf
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.providers.fbt import VMLINUX, function_place
from dtrace_py.providers.probe import Probe
from dtrace_py.runtime.guardian import Guardian

_TOP, _INSTANCES = Path(TRACEFS), Path(TRACEFS, "instances")
_LONG = "1000000000"
"""Microseconds that a function must take for the graph tracer to record its return, and it records nothing else then."""
_DYING_SECONDS = 60
"""How long a killed process may take to close what it has open in its instance."""


def instance() -> str:
    """The name of this process's instance."""
    return f"dtpy_{os.getpid()}"


@contextmanager
def attached(
    programs: Mapping[str, int], places: Mapping[str, int], probes: Mapping[str, Sequence[Probe]], cpus: Sequence[int]
) -> Iterator[list[int]]:
    """A program at probes of fbt, by kind: entry, return. ``places`` are the addresses of what ftrace calls. Yields the events of
    the breakpoints.

    Raises OSError, or DtpyError if the kernel's list of functions is another one meanwhile, or somebody uses the graph tracer. A
    guardian takes everything back should this process be killed.
    """
    functions = {function_place(probe): probe for some in probes.values() for probe in some}
    chosen = dict(sorted(functions.items()))
    # Breakpoints come last and go first, because they slow patching down.
    with _graph_tracer(chosen) if "return" in probes else _function_tracer(chosen), ExitStack() as stack:
        events = []
        for cpu in cpus:
            for kind, program in programs.items():
                events.append(stack.enter_context(bpf.owned(perf.breakpoint_at(cpu, places[kind]))))
                stack.enter_context(bpf.owned(bpf.link_event(program, events[-1], 0)))
        yield events


@contextmanager
def _function_tracer(chosen: Mapping[int, Probe]) -> Iterator[None]:
    """ftrace's function tracer, in an instance of our own."""
    _remove_stale()
    folder = _INSTANCES / instance()
    with Guardian(lambda owner: _remove(folder)):
        folder.mkdir()
        try:
            (folder / "tracing_on").write_text("0")
            _choose(folder / "set_ftrace_filter", chosen)
            (folder / "current_tracer").write_text("function")
            yield
        finally:
            _remove(folder)


@contextmanager
def _graph_tracer(chosen: Mapping[int, Probe]) -> Iterator[None]:
    """ftrace's graph tracer, of which there is one, in ftrace's top instance."""
    tracer, functions = _TOP / "current_tracer", _TOP / "set_ftrace_filter"
    with tracer.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DtpyError("could not enable tracing: ftrace's graph tracer is in use") from None
        with Guardian(lambda owner: functions.write_text("")) as guardian:
            try:
                _choose(functions, chosen)
                # The limit is put back when the tracer has gone, which would start anew with another one.
                with guardian.changed({_TOP / "tracing_thresh": _LONG, tracer: "function_graph"}):
                    yield
            finally:
                functions.write_text("")


def _choose(filter_: Path, chosen: Mapping[int, Probe]) -> None:
    """Say which functions, by their numbers: names are not unique, and take the kernel a look at all functions each."""
    filter_.write_text(" ".join(str(place + 1) for place in chosen))
    if filter_.read_text().splitlines() != list(_listed(chosen.values())):
        raise DtpyError("could not enable tracing: a module has come or gone meanwhile; try again")


def _listed(probes: Iterable[Probe]) -> Iterator[str]:
    """Functions as the kernel's lists have them."""
    for probe in probes:
        yield probe.function if probe.module == VMLINUX else f"{probe.function} [{probe.module}]"


def _remove(folder: Path) -> None:
    """Let go of all functions of an instance, and of itself. Somebody else may be about to do the same."""
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
