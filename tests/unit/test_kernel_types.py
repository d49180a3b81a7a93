"""Kernel types and symbols from BTF and kallsyms: made up here, so that every kind of type is met on every machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.types import KernelTypes
from dtrace_py.lang.facts import Field
from dtrace_py.lang.types import EnumType, IntType, PointerType, StructType
from tests.unit.made_up import KALLSYMS, kernel_types


@pytest.fixture
def types(tmp_path: Path) -> KernelTypes:
    return kernel_types(tmp_path)


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


def test_names_are_found_after_many_that_are_not_there(types: KernelTypes) -> None:
    for number in range(100):
        assert types.typedef(f"nothing{number}") is None
    assert types.typedef("task")
    assert types.tagged("struct task")
    assert types.typedef("") is None


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
    hidden = tmp_path / "hidden"
    hidden.write_text("0000000000000000 T vfs_read\n")
    found = KernelTypes(lambda: Symbols(hidden), tmp_path / "btf" / "vmlinux").symbol("vfs_read")
    assert found
    assert (found.address, found.size) == (0, 0)


def test_without_btf_a_word_is_no_type(tmp_path: Path) -> None:
    kallsyms = tmp_path / "symbols"
    kallsyms.write_text(KALLSYMS)
    types = KernelTypes(lambda: Symbols(kallsyms), tmp_path / "vmlinux")
    assert types.typedef("u64") is None
    assert types.enumerator("GREEN") is None
    assert types.prototype("vfs_read") is None
    found = types.symbol("runqueues")
    assert found
    assert str(found.type) == "uint64_t"
