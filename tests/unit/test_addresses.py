"""Where functions begin, from what different kernels tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtrace_py.kernel import tracefs
from dtrace_py.kernel.addresses import Addresses
from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.tracefs import Traceable

AT = 0xFFFFFFFF81000000
SYMBOLS = f"""{AT:x} T _text
{AT + 0x10:x} t one
{AT + 0x20:x} t two
{AT + 0x2A:x} t odd
{AT + 0x40:x} t two
{AT + 0x1000:x} t of_module\t[some]
"""


@pytest.fixture
def symbols(tmp_path: Path) -> Symbols:
    path = tmp_path / "kallsyms"
    path.write_text(SYMBOLS)
    return Symbols(path)


FUNCTIONS = [("one", "vmlinux"), ("two", "vmlinux"), ("two", "vmlinux"), ("of_module", "some")]


@pytest.mark.parametrize("endbr", [0, 4])
def test_aligned_functions_need_no_symbols(endbr: int, tmp_path: Path) -> None:
    starts = [AT + 0x10, AT + 0x20, AT + 0x40, AT + 0x1000]
    made = Addresses(Traceable(FUNCTIONS, [start + endbr for start in starts]), Symbols(tmp_path / "is not there"))
    assert [made.of(place) for place in range(4)] == starts


def test_others_are_looked_up(symbols: Symbols) -> None:
    sites = [AT + 0x10, AT + 0x2E, AT + 0x44, AT + 0x2008]
    assert [Addresses(Traceable(FUNCTIONS, sites), symbols).of(place) for place in range(4)] == [
        AT + 0x10,
        AT + 0x2A,
        AT + 0x40,
        None,
    ]


def test_by_name_where_the_kernel_tells_no_addresses(symbols: Symbols) -> None:
    made = Addresses(Traceable(FUNCTIONS, None), symbols)
    assert [made.of(place) for place in range(4)] == [AT + 0x10, AT + 0x20, AT + 0x40, AT + 0x1000]
    assert Addresses(Traceable(FUNCTIONS[:2], None), symbols).of(1) is None, "one of two, and which is not known"


@pytest.mark.parametrize("addresses", [True, False])
def test_the_kernels_list(addresses: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefs, "TRACEFS", str(tmp_path))
    monkeypatch.setattr(tracefs, "require_kprobes", lambda: None)
    (tmp_path / "available_filter_functions").write_text("one\nof_module [some]\n")
    if addresses:
        (tmp_path / "available_filter_functions_addrs").write_text(
            "ffffffff81000014 one\nffffffffc0000000 of_module [some]\n"
        )
    made = tracefs.traceable()
    assert list(made.functions) == [("one", "vmlinux"), ("of_module", "some")]
    assert (made.sites and list(made.sites)) == ([0xFFFFFFFF81000014, 0xFFFFFFFFC0000000] if addresses else None)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (AT + 0x15, "_text+0x15"),
        (AT + 0x1005, "some:of_module+5"),
    ],
)
def test_how_kprobe_events_name_an_address(symbols: Symbols, address: int, name: str) -> None:
    assert symbols.probe_point(address) == name


def test_a_name_that_is_not_unique_in_its_module(tmp_path: Path) -> None:
    path = tmp_path / "kallsyms"
    path.write_text("ffffffffc0000010 t once\t[m]\nffffffffc0000020 t twice\t[m]\nffffffffc0000030 t twice\t[m]\n")
    symbols = Symbols(path)
    assert symbols.probe_point(0xFFFFFFFFC0000035) == "m:once+37"


def test_data_has_names_too(tmp_path: Path) -> None:
    path = tmp_path / "kallsyms"
    path.write_text(
        "0000000000001000 A per_cpu\nffffffff81000000 T _text\nffffffff81000100 T _etext\nffffffff81800000 D numbers\n"
        "ffffffff81900000 t late\nffffffffc0000010 t code\t[m]\nffffffffc0000040 d data\t[m]\n"
    )
    symbols = Symbols(path)
    assert symbols.find(0xFFFFFFFF81000005) == ("vmlinux", "_text", 5)
    assert symbols.find(0xFFFFFFFF81800008) == ("vmlinux", "numbers", 8)
    assert symbols.find(0xFFFFFFFF81900001) == ("vmlinux", "late", 1)
    assert symbols.find(0xFFFFFFFFC0000044) == ("m", "data", 4)
    assert symbols.find(0xFFFFFFFFC000003F) == ("m", "code", 0x2F)
    assert symbols.find(0x1000) is None
    assert symbols.find(0xFFFFFFFFF0000000) is None
