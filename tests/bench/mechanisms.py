"""The ways to attach to many functions that ``teardown`` measures, each a context manager that lets go at its end.

They are used within one process, with programs that are loaded already, so that nothing but attaching and letting go is
measured. Each yields the number of its probes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from dtrace_py import programs
from dtrace_py.job import Job
from dtrace_py.kernel.machine import Machine
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.lang.source import Source
from dtrace_py.options import Options
from dtrace_py.prepare import Prepared, prepare
from dtrace_py.providers.fbt import VMLINUX
from dtrace_py.runtime import attach as attaching
from dtrace_py.runtime import tracer
from dtrace_py.runtime.attach import Functions
from dtrace_py.runtime.kprobes import Progress
from dtrace_py.runtime.loader import bpf_directory
from dtrace_py.runtime.tracer import Tracer

KINDS = ("entry", "return", "both")


@dataclass(slots=True)
class Chosen:
    """What is to be attached to: all functions that a pattern matches, at entry, return or both; and their places in
    the kernel's list."""

    machine: Machine
    pattern: str
    kind: str
    places: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        matches = re.compile(self.pattern.replace("*", ".*")).fullmatch
        fbt = self.machine.fbt
        self.places = [n for n, (name, _) in enumerate(fbt.functions) if name not in fbt.denied and matches(name)]

    @property
    def description(self) -> str:
        """As dtpy names the probes."""
        return f"fbt::{self.pattern}:{'' if self.kind == 'both' else self.kind}"

    def sample(self, count: int) -> list[str]:
        """Names of so many functions of the core kernel, evenly spread, that no other function shares."""
        lookup = self.machine.symbols.functions
        listed = [self.machine.fbt.functions[place] for place in self.places]
        names = [
            name
            for name, module in listed
            if module == VMLINUX and name.isidentifier() and len(lookup(name, module)) == 1
        ]
        return names[:: max(1, len(names) // count)][:count]


Mechanism = Callable[[], AbstractContextManager[int]]


@contextmanager
def floor(chosen: Chosen) -> Iterator[int]:
    """ftrace's function tracer: the same places patched, nothing else. Without a filter it takes a few functions more."""
    tracer_, filter_ = Path(TRACEFS, "current_tracer"), Path(TRACEFS, "set_ftrace_filter")
    if chosen.pattern != "*":
        filter_.write_text(" ".join(str(place + 1) for place in chosen.places))
    try:
        tracer_.write_text("function")
        yield len(chosen.places)
    finally:
        tracer_.write_text("nop")
        if chosen.pattern != "*":
            filter_.write_text("")


@contextmanager
def ours(chosen: Chosen) -> Iterator[Mechanism]:
    """dtpy's program for counting, loaded; yields the attaching of it, exactly as the command does it."""
    options = Options()
    options.set("bufsize", "64k")
    job = Job([Source(f"{chosen.description} {{ @ = count(); }}")], options=options)
    compiled = programs.compile_job(job, lambda: chosen.machine.types, chosen.machine.providers)
    made = prepare(compiled, chosen.machine, options, probing=True, note=lambda _: None)
    with tracer.load(made.unit, made.plan, made.tables, made.ring_bytes, made.multi) as loaded:
        yield lambda: _attached(made, loaded, chosen.machine)


@contextmanager
def _attached(made: Prepared, loaded: Tracer, machine: Machine) -> Iterator[int]:
    where = Functions(made.addresses, made.points, machine.symbols.probe_point, made.traced)
    silent = Progress(lambda done, total: None, lambda seconds: None, lambda: False)
    with attaching.attach(made.plan, made.tables, loaded, made.linkable, where, machine.online, silent) as attached:
        yield len(made.plan.probes) - attached.refused


@contextmanager
def bcc_kprobes(chosen: Chosen, sample: int) -> Iterator[Mechanism]:
    """bcc's own way: attach_kprobe and attach_kretprobe, then detach them one by one."""
    module = _bcc("int count(void *context) { return 0; }")

    def attach(name: str, kind: str) -> Callable[[], object]:
        event = name.encode()
        if kind == "entry":
            module.attach_kprobe(event=event, fn_name=b"count")
            return lambda: module.detach_kprobe(event=event)
        module.attach_kretprobe(event=event, fn_name=b"count")
        return lambda: module.detach_kretprobe(event=event)

    kinds = ("entry", "return") if chosen.kind == "both" else (chosen.kind,)
    probes = [partial(attach, name, kind) for name in chosen.sample(sample) for kind in kinds]
    yield lambda: _one_by_one(probes)
    module.cleanup()


@contextmanager
def fentry(chosen: Chosen, sample: int) -> Iterator[Mechanism]:
    """One program and one trampoline a function, by bcc, on entries."""
    names = chosen.sample(sample)
    module = _bcc("".join(f"int kfunc__{name}(void *context) {{ return 0; }}\n" for name in names))

    def attach(name: bytes) -> Callable[[], object]:
        module.attach_kfunc(fn_name=name)
        return lambda: module.detach_kfunc(fn_name=name)

    probes = [partial(attach, f"kfunc__{name}".encode()) for name in names]
    yield lambda: _one_by_one(probes)
    module.cleanup()


@contextmanager
def _one_by_one(probes: Sequence[Callable[[], Callable[[], object]]]) -> Iterator[int]:
    """Attach each probe, which returns how to let go of it. Those that are refused, such as for want of types, are left out."""
    attached: list[Callable[[], object]] = []
    for attach in probes:
        try:
            attached.append(attach())
        except Exception:  # bcc raises nothing finer
            continue
    assert attached, "none of the probes was accepted"
    yield len(attached)
    for detach in attached:
        detach()


def _bcc(text: str) -> Any:
    """A module of bcc's that attaches nothing by itself."""
    os.environ["BCC_KERNEL_SOURCE"] = str(bpf_directory() / "include")
    import bcc

    class Quiet(bcc.BPF):  # type: ignore[misc]
        def _trace_autoload(self) -> None:
            """bcc would attach every function whose name begins with kfunc__."""

    return Quiet(text=text.encode())
