"""What looks at the kernel's own structures: paths, processes, locks, packets (contract R9, R25 to R27, A15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen.operands import Buffer, Number, constant
from dtrace_py.lang import typed

if TYPE_CHECKING:
    from dtrace_py.codegen.environment import Target
    from dtrace_py.codegen.expressions import Expressions

# Paths


def d_path(make: Expressions, call: typed.Call) -> Buffer:
    """R9."""
    return path(make, make.number(call.arguments[0]), whole=False)


def path(make: Expressions, address: Number, whole: bool) -> Buffer:
    """The name of what a struct path is of: from the root of the process on, or ``whole``, from that of the mount namespace."""
    make.needs.add("dpath")
    to = make.strings.temporary()
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
        "TASK_FS": at("struct task_struct", "fs"),
        "FS_ROOT": at("struct fs_struct", "root"),
    }


# Processes


def progeny_offsets(target: Target) -> dict[str, object]:
    """What bpf/progeny.h needs."""
    return {
        "TASK_PARENT": target.offset("struct task_struct", "real_parent"),
        "TASK_PROCESS": target.offset("struct task_struct", "tgid"),
    }


def progenyof(make: Expressions, call: typed.Call) -> Number:
    """R27."""
    make.needs.add("progeny")
    return make.save(Number(f"progeny_of({make.number(call.arguments[0]).text})", "u64"))


# Packets (A15)

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
