"""D in, C out: each ``NAME.d`` here must generate ``NAME.c``, for a small made-up kernel.

Those called ``kprobes...`` are for a kernel without fprobe; where functions are many, entries come through ftrace.

After a change that is meant, ``DTPY_UPDATE=1 pytest tests/golden`` writes the files anew; the difference is for the
reviewer to read.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dtrace_py import programs
from dtrace_py.codegen import unit as units
from dtrace_py.codegen.environment import Target
from dtrace_py.codegen.plan import make_plan
from dtrace_py.codegen.tables import make_tables
from dtrace_py.job import Job
from dtrace_py.lang.facts import NoTypes
from dtrace_py.lang.source import Source
from dtrace_py.providers.dtrace import DtraceProvider
from dtrace_py.providers.fbt import FbtProvider, entry_id
from dtrace_py.providers.profile import ProfileProvider
from dtrace_py.providers.registry import Registry
from dtrace_py.providers.syscall import SyscallProvider

FOLDER = Path(__file__).parent
FUNCTIONS = [("vfs_read", "vmlinux"), ("vfs_write", "vmlinux"), ("nf_hook", "nf_tables")]
CALLS = {0: "read", 257: "openat"}
PARAMETERS = {"read": ["unsigned int", "char *", "size_t"], "openat": ["int", "const char *", "int"]}


def generate(path: Path) -> str:
    """The C of a script."""
    registry = Registry(
        (
            DtraceProvider(),
            ProfileProvider(),
            SyscallProvider(lambda: CALLS, PARAMETERS.__getitem__),
            FbtProvider(lambda: FUNCTIONS, frozenset, lambda _: True),
        )
    )
    job = Job(sources=[Source(path.read_text(), path=path.name)])
    compiled = programs.compile_job(job, NoTypes, registry)
    plan = make_plan((matched.clause, matched.probes) for matched in compiled.clauses)
    kprobes = path.stem.startswith("kprobes")
    extents = {
        entry_id(probe): (start := 0xFFFFFFFF81000000 + 64 * number, start + 40 * kprobes)
        for number, probe in enumerate(plan.of_provider("fbt"))
    }
    tables = make_tables(plan, extents, with_names=True)
    session = plan.needs_session and not kprobes
    ftrace = {"kprobes_entries": ["entry"], "kprobes_all": ["entry", "return"]}.get(path.stem, [])
    shape = tables.shape(session, kprobes, ftrace, skip_entry_frame=True, status_offset=16 if tables.syscalls else None)
    target = Target(
        cpus=4,
        ring_bytes=1 << 22,
        dynamic_bytes=1 << 20,
        aggregation_bytes=1 << 22,
        strsize=256,
        only_cpu=None,
        offset=lambda structure, member: 1000 + sum(map(ord, member)),
        size=lambda structure: 32,
        preempt_count=lambda: (0x1C000, 0xFFFFFFFF82000000),
        instance="dtpy_1",
        pages=lambda: (0xFFFFFFFF83000000, 0xFFFFFFFF83000008, 64),
    )
    return units.generate(compiled.program, plan, shape, target).text


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob("*.d"))])
def test_generated_c(path: Path) -> None:
    expected, made = path.with_suffix(".c"), generate(path)
    if os.environ.get("DTPY_UPDATE"):
        expected.write_text(made)
    assert made == expected.read_text()
