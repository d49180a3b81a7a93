"""Built-in variables and subroutines that look at the stack, the registers and the kernel's own structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen.operands import Buffer, Number, constant
from dtrace_py.lang import typed

if TYPE_CHECKING:
    from dtrace_py.codegen.environment import Target
    from dtrace_py.codegen.expressions import Expressions

_TASK = "struct task_struct"

_CALLERS = {
    "caller": "caller(f, {calls})",
    "ucaller": "user_caller(f)",
    "stackdepth": "stack_depth(f, stack_skipped(f, {calls} + 1))",
    "ustackdepth": "stack_depth(f, BPF_F_USER_STACK)",
}
"""In C, as seen from a clause that is so many calls deep in its program."""

_SEGMENTS = {21: "fsindex", 22: "gsindex", 23: "ds", 24: "es", 25: "fsbase", 26: "gsbase"}
"""Members of struct thread_struct behind the registers of struct pt_regs (dlib/regs.d)."""


def read(make: Expressions, name: str) -> Number | None:
    """The value of a built-in variable of this kind; None if it is none."""
    if name in _CALLERS:
        make.needs |= {"stack", "depth" if "depth" in name else "callers"}
        return make.save(Number(_CALLERS[name].format(calls=make.calls), "u64"))
    if name == "ipl":  # B18: Linux has no such thing
        make.writer.line("CHECK(0, ILLOP, 0);")
        return constant(0)
    return None


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


def directory(make: Expressions, name: str) -> Buffer:
    """cwd and root (B10)."""
    offset, fs = make.environment.target.offset, make.writer.fresh("fs")
    make.writer.line(f"u64 {fs};")
    make.writer.line(f"LOAD({fs}, bpf_get_current_task() + {offset(_TASK, 'fs')});")
    member = "pwd" if name == "cwd" else "root"
    return _path(make, Number(f"{fs} + {offset('struct fs_struct', member)}"), whole=True)


def d_path(make: Expressions, call: typed.Call) -> Buffer:
    """R9."""
    return _path(make, make.number(call.arguments[0]), whole=False)


def _path(make: Expressions, address: Number, whole: bool) -> Buffer:
    make.needs.add("dpath")
    to = make.text()
    make.writer.line(f"LOAD_PATH({to}, {address.text}, {int(whole)});")
    return Buffer(to, make.environment.bound)


def path_offsets(target: Target) -> dict[str, object]:
    """What bpf/dpath.h needs."""
    at = target.offset
    return {
        "PATH_MOUNT": at("struct path", "mnt"),
        "PATH_DENTRY": at("struct path", "dentry"),
        "DENTRY_NAME": at("struct dentry", "d_name") + at("struct qstr", "name"),
        "DENTRY_LENGTH": at("struct dentry", "d_name") + at("struct qstr", "len"),
        "DENTRY_PARENT": at("struct dentry", "d_parent"),
        "DENTRY_HASH": at("struct dentry", "d_hash") + at("struct hlist_bl_node", "pprev"),
        "MOUNT_POINT": at("struct mount", "mnt_mountpoint"),
        "MOUNT_PARENT": at("struct mount", "mnt_parent"),
        "MOUNT_INSIDE": at("struct mount", "mnt"),
        "MOUNT_ROOT": at("struct mount", "mnt") + at("struct vfsmount", "mnt_root"),
        "TASK_FS": at(_TASK, "fs"),
        "FS_ROOT": at("struct fs_struct", "root"),
    }


def progeny_offsets(target: Target) -> dict[str, object]:
    """What bpf/progeny.h needs."""
    return {"TASK_PARENT": target.offset(_TASK, "real_parent"), "TASK_PROCESS": target.offset(_TASK, "tgid")}


_PAGE_BYTES = 4096
_MOST_PIECES = 45
"""Of a packet, in any kernel: CONFIG_MAX_SKB_FRAGS is 17, and can be that."""


def packet_sizes(target: Target) -> dict[str, object]:
    """What bpf/packet.h needs."""
    buffer, shared = "struct sk_buff", "struct skb_shared_info"
    sizes: dict[str, object] = {"PACKET_MOST": target.pcapsize}
    sizes |= {f"PACKET_{member.upper()}": target.offset(buffer, member) for member in ("len", "data_len", "data")}
    if pages := target.pages():
        sizes |= {f"PACKET_{member.upper()}": target.offset(buffer, member) for member in ("head", "end")}
        sizes["PACKET_PIECES_COUNT"] = target.offset(shared, "nr_frags")
        sizes["PACKET_PIECES"] = target.offset(shared, "frags")
        sizes["PACKET_MOST_PIECES"] = _MOST_PIECES
        sizes["PAGES"], sizes["PAGE_DESCRIPTIONS"] = f"{pages[0]:#x}ULL", f"{pages[1]:#x}ULL"
        sizes["PAGE_BYTES"], sizes["PAGE_DESCRIPTION"] = _PAGE_BYTES, pages[2]
    return sizes


def progenyof(make: Expressions, call: typed.Call) -> Number:
    """R27."""
    make.needs.add("progeny")
    return make.save(Number(f"progeny_of({make.number(call.arguments[0]).text})", "u64"))


# Locks (R25, R26)

_OWNER_FLAGS = 7
"""Bits of a mutex's owner that are flags (kernel/locking/mutex.h)."""

_WRITER_HOLDS, _WRITER = 0xFF, 0x1FF
"""Bits of a queued rwlock's count: a writer holds it, or that or one waits (include/asm-generic/qrwlock.h)."""


def mutex_owner(make: Expressions, call: typed.Call) -> Number:
    name, place = make.writer.fresh("owner"), make.environment.target.offset("struct mutex", "owner")
    address = make.number(call.arguments[0])
    make.writer.line(f"u64 {name};")
    make.writer.line(f"LOAD({name}, {address} + {place});")
    return Number(f"{name} & ~{_OWNER_FLAGS}ULL", "u64", loose=True)


def mutex_owned(make: Expressions, call: typed.Call) -> Number:
    return Number(f"{mutex_owner(make, call)} == bpf_get_current_task()", "int", loose=True)


def mutex_type_adaptive(make: Expressions, call: typed.Call) -> Number:
    make.effect(call.arguments[0])
    return constant(1)


def mutex_type_spin(make: Expressions, call: typed.Call) -> Number:
    make.effect(call.arguments[0])
    return constant(0)


def _rwlock(make: Expressions, call: typed.Call, bits: str) -> Number:
    """Whether any of these bits of a lock's count is set. The count is what it begins with."""
    name, address = make.writer.fresh("count"), make.number(call.arguments[0])
    make.writer.line(f"u32 {name};")
    make.writer.line(f"LOAD({name}, {address.text});")
    return Number(f"({name} & {bits}) != 0", "int", loose=True)


def rw_iswriter(make: Expressions, call: typed.Call) -> Number:
    return _rwlock(make, call, f"{_WRITER:#x}")


def rw_read_held(make: Expressions, call: typed.Call) -> Number:
    return _rwlock(make, call, f"~{_WRITER:#x}U")


def rw_write_held(make: Expressions, call: typed.Call) -> Number:
    return _rwlock(make, call, f"{_WRITER_HOLDS:#x}")


NUMBERS = {
    "mutex_owned": mutex_owned,
    "mutex_owner": mutex_owner,
    "mutex_type_adaptive": mutex_type_adaptive,
    "mutex_type_spin": mutex_type_spin,
    "progenyof": progenyof,
    "rw_iswriter": rw_iswriter,
    "rw_read_held": rw_read_held,
    "rw_write_held": rw_write_held,
}
TEXTS = {"d_path": d_path}
