"""A made-up kernel that tests compile programs for: every kind of type is in it, on every machine."""

from __future__ import annotations

from pathlib import Path

from dtrace_py.kernel import btf
from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.types import KernelTypes
from tests.unit.blob import Blob

KALLSYMS = """\
ffffffff81000000 T _text
ffffffff81000100 T vfs_read
ffffffff81000100 t vfs_read_alias
ffffffff81000180 t vfs_write
ffffffff82000000 D jiffies_64
0000000000000040 d runqueues
ffffffffc0001000 t ext_open\t[ext]
ffffffffc0001080 t ext_close\t[ext]
ffffffffc0002000 d ext_table\t[ext]
"""


def kernel_types(folder: Path) -> KernelTypes:
    """Its types and symbols; its files are put into the folder."""
    (folder / "btf").mkdir()
    core = Blob()
    char, integer = core.integer("char", 1, False), core.integer("int", 4, True)
    word = core.integer("long unsigned int", 8, False)
    u64 = core.add(btf.TYPEDEF, "u64", core.add(btf.TYPEDEF, "__u64", word))
    float_ = core.add(btf.FLOAT, "double", 8)
    core.add(btf.FWD, "later", 0)
    task = core.count + 4
    to_task = core.add(btf.PTR, "", core.add(btf.CONST, "", task))
    comm = core.array(char, 16)
    union = core.structure("", 8, ("count", integer, 0), ("hidden", u64, 0), kind=btf.UNION)
    assert task == core.structure(
        "task", 48, ("parent", to_task, 0), ("comm", comm, 64), ("", union, 192), ("later", core.count - 5, 256)
    )
    core.bits("flags", 4, ("low", integer, 0, 3), ("high", integer, 3, 5))
    core.enumeration("colour", RED=0, GREEN=1)
    core.enumeration("", flag=True, MINUS=-1)
    core.enumeration("big", HUGE=0x80000000)
    core.enumeration64("wide", WIDE=1 << 40)
    core.function("vfs_read", word, file=to_task, count=u64)
    core.function("quiet", 0)
    core.add(btf.TYPEDEF, "task", task)  # names of different kinds may be the same
    core.add(btf.VAR, "runqueues", task, 0)
    core.add(btf.DATASEC, ".data..percpu", 48, core.count - 1, 64, 48, elements=1)
    core.structure("floats", 8, ("value", float_, 0))
    (folder / "btf" / "vmlinux").write_bytes(core.build())

    module = Blob(core)
    inode = module.structure("ext_inode", 16, ("number", u64, 0), ("name", module.array(char, 8), 64))
    module.add(btf.TYPEDEF, "ext_t", inode)
    module.structure("later", 4, ("id", integer, 0))
    module.enumeration("ext_state", EXT_NEW=7)
    module.function("ext_open", integer, inode=module.add(btf.PTR, "", inode))
    (folder / "btf" / "ext").write_bytes(module.build())

    kallsyms = folder / "symbols"
    kallsyms.write_text(KALLSYMS)
    return KernelTypes(lambda: Symbols(kallsyms), folder / "btf" / "vmlinux")
