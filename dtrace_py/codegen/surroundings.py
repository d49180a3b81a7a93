"""Where a clause runs, in C: the CPU, the probe's typed arguments, the process's files, the kernel's symbols."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from dtrace_py.codegen.operands import Number, constant
from dtrace_py.lang import typed

if TYPE_CHECKING:
    from dtrace_py.codegen.environment import Target
    from dtrace_py.codegen.expressions import Expressions

CPU = frozenset({"chip", "curcpu", "lgrp", "pset"})
"""The built-in variables of the CPU but for its number (B5, B6)."""


def cpu(make: Expressions, name: str) -> Number:
    """What is known of the CPU: its chip, its NUMA node, no set of its own; or the address of all that together."""
    places = make.environment.target.places()
    chip, node = (_by_cpu([place[n] for place in places]) for n in (0, 1))
    if name != "curcpu":
        return {"chip": chip, "lgrp": node, "pset": constant(0)}[name]
    make.environment.needs.add("curcpu")
    make.writer.line(f"f->frame->temporaries.cpu = (struct cpu_info){{f->cpu, 0, {chip.text}, {node.text}}};")
    return make.spilled(Number("(u64)&f->frame->temporaries.cpu", "u64"))


def _by_cpu(values: Sequence[int]) -> Number:
    """What is one thing on this CPU and maybe another on the next."""
    starts = [cpu for cpu, value in enumerate(values) if cpu == 0 or value != values[cpu - 1]]
    if len(starts) < 2:
        return constant(values[0] if values else 0)
    arms = [f"f->cpu < {following} ? {values[start]} : " for start, following in pairwise(starts)]
    return Number(f"{''.join(arms)}{values[starts[-1]]}", "int", loose=True)


def argument(make: Expressions, node: typed.Argument) -> Number:
    """The register that a typed argument came in."""
    make.environment.needs.add(f"arg{node.index}")
    return Number(f"f->arg{node.index}")


def symbol(make: Expressions, node: typed.SymbolAddress) -> Number:
    """The address of a kernel symbol; of a per-CPU one, this CPU's."""
    address = constant(node.address, unsigned=True)
    if not node.per_cpu:
        return address
    name, table = make.writer.fresh(), make.environment.target.per_cpu_offsets() or 0
    make.writer.line(f"u64 {name};")
    make.writer.line(f"LOAD({name}, {table:#x}ULL + 8ULL * f->cpu);")
    return Number(f"{name} + {address.as_('u64')}", "u64", loose=True)


def file(make: Expressions, node: typed.Element) -> Number:
    """The file of a descriptor of the current process; 0 if there is none (B15)."""
    make.needs.add("files")
    return make.save(Number(f"file_of({make.number(node.index).text})", "u64"))


def file_offsets(target: Target) -> dict[str, object]:
    """What bpf/files.h needs."""
    at = target.offset
    return {
        "TASK_FILES": at("struct task_struct", "files"),
        "FILES_TABLE": at("struct files_struct", "fdt"),
        "TABLE_SIZE": at("struct fdtable", "max_fds"),
        "TABLE_FILES": at("struct fdtable", "fd"),
    }
