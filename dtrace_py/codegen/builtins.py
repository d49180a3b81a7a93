"""Built-in variables in C: tables, and what each needs of its program (contract section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen import kernel_objects, surroundings
from dtrace_py.codegen.operands import Buffer, Number, constant, padded
from dtrace_py.lang import typed
from dtrace_py.lang.tables.variables import PROBE_NAMES

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions

_TASK = "struct task_struct"

_NUMBERS = {
    "cpu": Number("f->cpu", "int"),
    "curthread": Number("bpf_get_current_task()", "u64"),
    "epid": Number("enabling_id(f, enabling)", "int"),
    "errno": Number("f->error"),
    "gid": Number("bpf_get_current_uid_gid() >> 32", "u64", loose=True),
    "id": Number("probe_id(f)", "int"),
    "pid": Number("bpf_get_current_pid_tgid() >> 32", "u64", loose=True),
    "tid": Number("(u32)bpf_get_current_pid_tgid()", "int", loose=True),
    "timestamp": Number("timestamp", "u64"),
    "uid": Number("(u32)bpf_get_current_uid_gid()", "int", loose=True),
    "vtimestamp": Number("vtimestamp(f)", "u64"),
    "walltimestamp": Number("timestamp + f->control->wall_offset", "u64", loose=True),
}
_NEEDS = {"epid": "epid", "id": "names", "errno": "errno", "vtimestamp": "vtimestamp"}
_NEEDS |= {"timestamp": "timestamp", "walltimestamp": "timestamp"}

_CALLERS = {
    "caller": "caller(f, {calls})",
    "ucaller": "user_caller(f)",
    "stackdepth": "stack_depth(f, stack_skipped(f, {calls} + 1))",
    "ustackdepth": "stack_depth(f, BPF_F_USER_STACK)",
}
"""In C, as seen from a clause that is so many calls deep in its program."""

_SEGMENTS = {21: "fsindex", 22: "gsindex", 23: "ds", 24: "es", 25: "fsbase", 26: "gsbase"}
"""Members of struct thread_struct behind the registers of struct pt_regs (dlib/regs.d)."""


def number(make: Expressions, name: str) -> Number:
    """The value of one that is a number."""
    if name.startswith("arg"):
        make.environment.needs.add(name)
        return Number(f"f->{name}")
    if name in _NEEDS:
        make.needs.add(_NEEDS[name])
    if name == "ppid":
        return _parent(make)
    if name in _CALLERS:
        make.needs |= {"stack", "depth" if "depth" in name else "callers"}
        return make.save(Number(_CALLERS[name].format(calls=make.calls), "u64"))
    if name == "ipl":  # B18: Linux has no such thing
        make.writer.line("CHECK(0, ILLOP, 0);")
        return constant(0)
    return surroundings.cpu(make, name) if name in surroundings.CPU else _NUMBERS[name]


def _parent(make: Expressions) -> Number:
    """real_parent->tgid (B20)."""
    offset, parent, tgid = make.environment.target.offset, make.writer.fresh(), make.writer.fresh()
    make.writer.line(f"u64 {parent};")
    make.writer.line(f"LOAD({parent}, bpf_get_current_task() + {offset(_TASK, 'real_parent')});")
    make.writer.line(f"s32 {tgid};")
    make.writer.line(f"LOAD({tgid}, {parent} + {offset(_TASK, 'tgid')});")
    return Number(tgid, "int")


def text(make: Expressions, name: str) -> Buffer:
    """The value of one that is a string."""
    if name in ("cwd", "root"):
        return _directory(make, name)
    to, limit = make.strings.temporary(), make.environment.target.strsize
    if name == "execname":
        size = min(16, padded(limit))
        make.writer.line(f"bpf_get_current_comm({to}, {size});")
    else:
        make.needs.add("names")
        size = min(make.environment.names[name], padded(limit))
        make.writer.line(f"probe_text(f, {PROBE_NAMES.index(name)}, {to}, {size});")
    for excess in range(limit - 1, size):
        make.writer.line(f"{to}[{excess}] = 0;")
    return Buffer(to, size)


def _directory(make: Expressions, name: str) -> Buffer:
    """cwd and root (B10)."""
    offset, fs = make.environment.target.offset, make.writer.fresh("fs")
    make.writer.line(f"u64 {fs};")
    make.writer.line(f"LOAD({fs}, bpf_get_current_task() + {offset(_TASK, 'fs')});")
    member = "pwd" if name == "cwd" else "root"
    return kernel_objects.path(make, Number(f"{fs} + {offset('struct fs_struct', member)}"), whole=True)


def register(make: Expressions, node: typed.Element) -> Number:
    """uregs[n]: the checks have seen that there is such a one (B27)."""
    assert isinstance(node.index, typed.Const)
    number = node.index.value
    if number not in _SEGMENTS:
        make.needs.add("uregs")
        return make.save(Number(f"user_register({number})", "u64"))
    name, offset = make.writer.fresh(), make.environment.target.offset
    member = _SEGMENTS[number]
    place = offset(_TASK, "thread") + offset("struct thread_struct", member)
    make.writer.line(f"{'u64' if member.endswith('base') else 'u16'} {name};")
    make.writer.line(f"LOAD({name}, bpf_get_current_task() + {place});")
    return Number(name, "u64" if member.endswith("base") else "int")
