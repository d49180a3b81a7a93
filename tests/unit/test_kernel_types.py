"""Kernel types and symbols from BTF and kallsyms: made up here, so that every kind of type is met on every machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtrace_py.kernel import btf
from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.types import KernelTypes
from dtrace_py.lang.facts import Field
from dtrace_py.lang.types import EnumType, IntType, PointerType, StructType
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


@pytest.fixture
def types(tmp_path: Path) -> KernelTypes:
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
    core.add(btf.TYPEDEF, "task", task)  # names of different kinds may be the same
    core.add(btf.VAR, "runqueues", task, 0)
    core.add(btf.DATASEC, ".data..percpu", 48, core.count - 1, 64, 48, elements=1)
    core.structure("floats", 8, ("value", float_, 0))
    (tmp_path / "vmlinux").write_bytes(core.build())

    module = Blob(core)
    inode = module.structure("ext_inode", 16, ("number", u64, 0), ("name", module.array(char, 8), 64))
    module.add(btf.TYPEDEF, "ext_t", inode)
    module.structure("later", 4, ("id", integer, 0))
    module.enumeration("ext_state", EXT_NEW=7)
    module.function("ext_open", integer, inode=module.add(btf.PTR, "", inode))
    (tmp_path / "ext").write_bytes(module.build())

    kallsyms = tmp_path.parent / f"{tmp_path.name}.kallsyms"
    kallsyms.write_text(KALLSYMS)
    return KernelTypes(lambda: Symbols(kallsyms), tmp_path / "vmlinux")


def structure(types: KernelTypes, name: str) -> StructType:
    found = types.tagged(name)
    assert isinstance(found, StructType)
    return found


def field(types: KernelTypes, of: str, name: str) -> Field:
    found = types.member(structure(types, of), name)
    assert found
    return found


def test_an_integer_keeps_the_chain_of_its_typedefs(types: KernelTypes) -> None:
    assert types.typedef("u64") == IntType("u64", 8, False, ("__u64", "unsigned long"))


def test_names_are_of_kinds(types: KernelTypes) -> None:
    assert types.tagged("struct task")
    assert types.typedef("task")
    assert types.tagged("union task") is None
    assert types.typedef("vfs_read") is None
    assert types.typedef("ask") is None


def test_a_typedef_of_a_structure_is_shown_by_its_name(types: KernelTypes) -> None:
    assert str(types.typedef("task")) == "task"
    assert str(types.tagged("struct task")) == "struct task"


def test_members(types: KernelTypes) -> None:
    task = structure(types, "struct task")
    assert types.size(task) == 48
    assert [name for name, _ in types.members(task)] == ["parent", "comm", "", "later"]
    assert str(field(types, "struct task", "comm").type) == "char [16]"
    assert field(types, "struct task", "parent").type == PointerType(task)
    assert field(types, "struct task", "hidden").bit_offset == 192, "through an unnamed union"
    assert types.member(task, "nothing") is None
    assert field(types, "struct floats", "value").type.__class__.__name__ == "FloatType"


def test_char_is_signed(types: KernelTypes) -> None:
    kind = field(types, "struct task", "comm").type
    assert getattr(kind, "element", None) == IntType("char", 1, True)


def test_bit_fields(types: KernelTypes) -> None:
    assert field(types, "struct flags", "high")[1:] == (3, 5)


def test_a_declared_structure_is_completed_by_a_module(types: KernelTypes) -> None:
    later = field(types, "struct task", "later").type
    assert isinstance(later, StructType)
    assert types.size(later) == 4
    assert types.size(StructType("struct never")) is None


@pytest.mark.parametrize(
    ("name", "value", "signed", "size"),
    [("GREEN", 1, True, 4), ("MINUS", -1, True, 4), ("HUGE", 0x80000000, False, 4), ("WIDE", 1 << 40, True, 8)],
)
def test_enumerators(types: KernelTypes, name: str, value: int, signed: bool, size: int) -> None:
    found = types.enumerator(name)
    assert found
    assert (found[0], found[1].signed, found[1].size) == (value, signed, size)


def test_an_enumerator_of_a_module(types: KernelTypes) -> None:
    found = types.enumerator("EXT_NEW")
    assert found
    assert found[0] == 7
    assert types.enumerator("colour") is None
    assert types.enumerator("comm") is None


def test_an_enumeration_by_its_tag(types: KernelTypes) -> None:
    kind = types.tagged("enum colour")
    assert isinstance(kind, EnumType)
    assert kind.values == (("RED", 0), ("GREEN", 1))


def test_modules_have_types_of_their_own(types: KernelTypes) -> None:
    assert types.typedef("ext_t") == types.typedef("ext_t", "ext")
    assert types.typedef("ext_t", "vmlinux") is None
    assert types.typedef("u64", "ext") == types.typedef("u64"), "a module knows what the core kernel knows"
    assert types.typedef("u64", "none") is None
    assert field(types, "struct ext_inode", "number").type == types.typedef("u64")
    assert str(field(types, "struct ext_inode", "name").type) == "char [8]"


def test_prototypes(types: KernelTypes) -> None:
    read = types.prototype("vfs_read")
    assert read
    assert [(name, str(kind)) for name, kind in read.parameters] == [("file", "struct task *"), ("count", "u64")]
    assert str(read.result) == "unsigned long"
    opened = types.prototype("ext_open", "ext")
    assert opened
    assert [str(kind) for _, kind in opened.parameters] == ["struct ext_inode *"]
    assert types.prototype("nothing") is None


@pytest.mark.parametrize(
    ("name", "module", "expected"),
    [
        ("vfs_read", "", ("vmlinux", 0xFFFFFFFF81000100, "function", 0x80, False)),
        ("vfs_read", "vmlinux", ("vmlinux", 0xFFFFFFFF81000100, "function", 0x80, False)),
        ("jiffies_64", "", ("vmlinux", 0xFFFFFFFF82000000, "uint64_t", 8, False)),
        ("runqueues", "", ("vmlinux", 0x40, "struct task", 48, True)),
        ("ext_open", "", ("ext", 0xFFFFFFFFC0001000, "function", 0x80, False)),
        ("ext_table", "ext", ("ext", 0xFFFFFFFFC0002000, "uint64_t", 8, False)),
        ("vfs_read", "ext", None),
        ("vfs_rea", "", None),
    ],
)
def test_symbols(types: KernelTypes, name: str, module: str, expected: tuple[object, ...] | None) -> None:
    found = types.symbol(name, module)
    assert (found and (found.module, found.address, str(found.type), found.size, found.per_cpu)) == expected


def test_a_symbol_is_known_where_addresses_are_hidden(tmp_path: Path, types: KernelTypes) -> None:
    hidden = tmp_path.parent / f"{tmp_path.name}.hidden"
    hidden.write_text("0000000000000000 T vfs_read\n")
    found = KernelTypes(lambda: Symbols(hidden), tmp_path / "vmlinux").symbol("vfs_read")
    assert found
    assert (found.address, found.size) == (0, 0)
