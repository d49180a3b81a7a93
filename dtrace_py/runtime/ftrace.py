"""Very many functions on a kernel without fprobe, through ftrace's own tracers.

ftrace patches all of a tracer's functions at once, and gives them back at once: that is the floor. What it then calls in each of
them would record for ftrace alone, and is kept from it; a breakpoint of each CPU stands at the beginning of it, where a
program finds the function, its caller and its registers.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from dtrace_py.errors import DtpyError
from dtrace_py.kernel import bpf, features, perf
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.providers.fbt import VMLINUX, function_place
from dtrace_py.providers.probe import Probe
from dtrace_py.runtime.guardian import Guardian, while_busy

_INSTANCES = Path(TRACEFS, "instances")
_TRACER, _FUNCTIONS, _LIMIT = (
    Path(TRACEFS, name) for name in ("current_tracer", "set_ftrace_filter", "tracing_thresh")
)
"""Of the top instance, which the graph tracer works in."""

_LONG = "1000000000"
"""Microseconds that a function must take for the graph tracer to record its return, and it records nothing else then."""
_BUSY_SECONDS = 60
"""How long an instance may be in use when it is to go."""


def instance() -> str:
    """The name of this process's instance."""
    return f"dtpy_{os.getpid()}"


@contextmanager
def attached(
    programs: Mapping[str, int], called: Mapping[str, int], probes: Mapping[str, Sequence[Probe]], cpus: Sequence[int]
) -> Iterator[list[int]]:
    """A program at probes of fbt, by kind: entry, return. ``called`` are the addresses of what ftrace calls. Yields the events of
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
                events.append(stack.enter_context(bpf.owned(perf.breakpoint_at(cpu, called[kind]))))
                stack.enter_context(bpf.owned(bpf.link_event(program, events[-1], 0)))
        for event in events:
            perf.enable(event)
        yield events


@contextmanager
def _function_tracer(chosen: Mapping[int, Probe]) -> Iterator[None]:
    """ftrace's function tracer, in an instance of our own."""
    folder = _INSTANCES / instance()
    tracer = folder / "current_tracer"
    with Guardian(lambda owner: _remove(folder)):
        folder.mkdir()
        try:
            with tracer.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # so that nobody takes it for one of the dead
                (folder / "tracing_on").write_text("0")
                _choose(folder / "set_ftrace_filter", chosen)
                tracer.write_text("function")
                yield
        finally:
            _remove(folder)


@contextmanager
def _graph_tracer(chosen: Mapping[int, Probe]) -> Iterator[None]:
    """ftrace's graph tracer, of which there is one, in ftrace's top instance."""
    with _TRACER.open() as lock:
        if not _locked(lock) or features.uses_ftrace():
            raise DtpyError("could not enable tracing: somebody else has begun to use ftrace; try again")
        with Guardian(lambda owner: _forget_functions()) as guardian:
            try:
                _choose(_FUNCTIONS, chosen)
                # The limit is put back when the tracer has gone, which would start anew with another one.
                with guardian.changed({_LIMIT: _LONG, _TRACER: "function_graph"}):
                    yield
            finally:
                _forget_functions()


def _forget_functions() -> None:
    """Empty the graph tracer's filter; not while the tracer is on, to which that means all functions."""
    if _TRACER.read_text().strip() == "nop":
        _FUNCTIONS.write_text("")


def _locked(file: IO[str]) -> bool:
    """Take what a living dtpy holds; False if one does."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
    """Let go of all functions of an instance, and of itself. Somebody else may be about to do the same; and as long as a killed
    process is not quite gone, or somebody reads its trace, it is in use."""

    def remove() -> None:
        (folder / "current_tracer").write_text("nop")
        folder.rmdir()

    try:
        while_busy(remove, _BUSY_SECONDS)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise DtpyError(f"could not remove {folder}: {error.strerror}") from error


def remove_stale() -> None:
    """Take back what dtpy processes left that were killed, their guardians too."""
    for folder in _INSTANCES.glob("dtpy_*"):
        with suppress(FileNotFoundError):
            with (folder / "current_tracer").open() as lock:
                stale = _locked(lock)
            if stale:
                _remove(folder)
    with _TRACER.open() as lock:
        if _LIMIT.read_text().strip() == _LONG and _locked(lock):
            _TRACER.write_text("nop")
            _LIMIT.write_text("0")
            _forget_functions()
