"""Dynamic variables (contract V2, V4 to V6): what they share, and what becomes of a thread's when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from dtrace_py import programs
from dtrace_py.job import Job
from dtrace_py.kernel import bpf
from dtrace_py.kernel.bpf import MappedArray
from dtrace_py.kernel.machine import Machine
from dtrace_py.lang.source import Source
from dtrace_py.options import Options
from dtrace_py.prepare import prepare
from dtrace_py.runtime import tracer
from dtrace_py.runtime.tracer import Tracer
from tests.conftest import can_load_programs

pytestmark = pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")

_DYNAMIC_BYTES = 4
"""The word of struct control that counts them."""


@contextmanager
def loaded(text: str, **given: str) -> Iterator[Tracer]:
    """A program, loaded and attached to nothing: its BEGIN and END can be run."""
    machine, options = Machine(), Options()
    options.set("bufsize", "64k")
    for name, value in given.items():
        options.set(name, value)
    job = Job([Source(text, path="test.d")], options=options)
    compiled = programs.compile_job(job, lambda: machine.types, machine.providers)
    made = prepare(compiled, machine, options, probing=True, note=lambda _: None)
    with tracer.load(made.unit, made.plan, made.tables, made.ring_bytes, made.multi) as tracing:
        yield tracing


def globals_of(tracing: Tracer, count: int) -> list[int]:
    with closing(MappedArray(tracing.module.map_fd("globals_map"))) as words:
        return list(words.words[:count])


def dynamic_bytes(tracing: Tracer) -> int:
    with closing(MappedArray(tracing.module.map_fd("control"))) as words:
        return int(words.words[_DYNAMIC_BYTES])


THREAD = """
long me, left, others;
BEGIN
{
    me = (long)curthread;
    self->x = 1; self->s = "text"; self->a[1] = 2; self->a[2] = 3; self->b["k", 5] = 4; self->t["u"] = "v";
    g[1] = 5; h[1] = "all";
}
END
{
    left = (self->x != 0) + (self->s != NULL) + (self->a[1] != 0) + (self->a[2] != 0) + (self->b["k", 5] != 0)
        + (self->t["u"] != NULL);
    others = (g[1] == 5) + (h[1] == "all");
}
tick-1h { }
"""


def test_a_thread_that_ends() -> None:
    """Its variables go, the others stay, and so with the room that they take."""
    with loaded(THREAD) as tracing:
        tracing.fire("begin")
        tracing.fire("end")
        me, left, others = globals_of(tracing, 3)
        assert (left, others) == (6, 2)
        end = tracing.module.load(tracing.programs["thread_end"])
        bpf.test_run(end, me)
        tracing.fire("end")
        assert globals_of(tracing, 3) == [me, 0, 2]
        assert dynamic_bytes(tracing) == 24 + 272
        bpf.test_run(end, me)
        assert dynamic_bytes(tracing) == 24 + 272


def test_room_that_is_given_back() -> None:
    text = """
    BEGIN { a[1] = 1; a[1] = 2; b[1] = "x"; b[1] = "y"; a[1]++; a[2] = 0; }
    END { a[1] = 0; b[1] = NULL; a[3] = 0; b[3] = NULL; }
    """
    with loaded(text) as tracing:
        tracing.fire("begin")
        assert dynamic_bytes(tracing) == 24 + 272
        tracing.fire("end")
        assert dynamic_bytes(tracing) == 0
        assert tracing.frames.total().dynamic_drops == 0


def test_there_is_room_for_so_much() -> None:
    """V6: in one map, and in several together."""
    one = "BEGIN { " + " ".join(f"a[{n}] = 1;" for n in range(50)) + " }"
    with loaded(one, dynvarsize="240") as tracing:
        tracing.fire("begin")
        assert tracing.frames.total().dynamic_drops == 40
    with loaded(one + " BEGIN { self->x = 1; self->s = 1; }", dynvarsize="256") as tracing:
        tracing.fire("begin")
        assert tracing.frames.total().dynamic_drops == 40 + 1
        assert dynamic_bytes(tracing) == 240 + 16


def test_nothing_is_attached_for_dtpy_itself() -> None:
    """A program of BEGIN and END has no thread but dtpy's."""
    with loaded("BEGIN { self->x = 1; }") as tracing:
        assert "thread_end" not in tracing.programs


def test_many_variables() -> None:
    """The kernel lets a program use 64 maps: variables share theirs."""
    names = range(100)
    text = "BEGIN { " + " ".join(f"self->v{n} = {n + 1}; a{n}[{n}] = {n + 1}; s{n}[{n}] = execname;" for n in names)
    text += " } END { all = " + " + ".join(f"self->v{n} + a{n}[{n}]" for n in names) + "; } tick-1h { }"
    with loaded("long all; " + text) as tracing:
        tracing.fire("begin")
        tracing.fire("end")
        assert globals_of(tracing, 1) == [100 * 101]
