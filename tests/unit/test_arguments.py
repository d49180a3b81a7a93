"""What args[] is at probes of each provider, and in clauses that match several (contract B2, P28, V61, V81 to V87)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtrace_py.kernel import tracefs
from dtrace_py.kernel.types import KernelTypes
from dtrace_py.lang.arguments import ways
from dtrace_py.lang.definitions import ProbeArgument
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.facts import NoTypes
from dtrace_py.lang.source import Field
from dtrace_py.lang.types import INT, LONG
from dtrace_py.providers.dtrace import BEGIN, DtraceProvider
from dtrace_py.providers.fbt import FbtProvider
from dtrace_py.providers.probe import Probe
from dtrace_py.providers.registry import Registry
from dtrace_py.providers.syscall import SyscallProvider
from tests.unit.made_up import kernel_types

FORMAT = """\
name: sys_enter_openat
ID: 627
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;
\tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;
\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;
\tfield:const char *const * argv;\toffset:32;\tsize:8;\tsigned:0;
\tfield:struct unheard_of * info;\toffset:40;\tsize:8;\tsigned:0;
\tfield:unsigned long int flags;\toffset:48;\tsize:8;\tsigned:0;

print fmt: "dfd: 0x%08lx", ((unsigned long)(REC->dfd))
"""


@pytest.fixture
def types(tmp_path: Path) -> KernelTypes:
    return kernel_types(tmp_path)


def shown(probe: Probe, types: KernelTypes | NoTypes, parameters: list[str] | None = None) -> list[tuple[int, str]]:
    registry = Registry(
        (
            DtraceProvider(),
            SyscallProvider(lambda: {}, lambda call: parameters or []),
            FbtProvider(lambda: [], frozenset, lambda name: True),
        )
    )
    return [(each.native, str(each.type)) for each in registry.arguments(probe, types)]


@pytest.mark.parametrize(
    ("module", "function", "name", "expected"),
    [
        ("vmlinux", "vfs_read", "entry", [(0, "struct task *"), (1, "u64")]),
        ("vmlinux", "vfs_read", "return", [(0, "int"), (1, "unsigned long")]),
        ("ext", "ext_open", "entry", [(0, "struct ext_inode *")]),
        ("vmlinux", "ext_open", "entry", []),
        ("vmlinux", "nothing", "return", []),
        ("vmlinux", "quiet", "return", [(0, "int")]),
    ],
)
def test_functions(types: KernelTypes, module: str, function: str, name: str, expected: list[tuple[int, str]]) -> None:
    assert shown(Probe(1, "fbt", module, function, name), types) == expected


def test_system_calls(types: KernelTypes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefs, "_read", {"events/syscalls/sys_enter_openat/format": FORMAT}.__getitem__)
    parameters = tracefs.call_parameters("openat")
    kinds = ["int", "char *", "char **", "struct unheard_of *", "unsigned long"]
    assert shown(Probe(1, "syscall", "vmlinux", "openat", "entry"), types, parameters) == [*enumerate(kinds)]
    assert shown(Probe(2, "syscall", "vmlinux", "openat", "return"), types) == [(0, "long"), (1, "long")]


def test_a_system_call_that_the_kernel_does_not_describe(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise FileNotFoundError(name)

    monkeypatch.setattr(tracefs, "_read", missing)
    assert tracefs.call_parameters("openat") is None


def test_a_system_call_without_arguments(types: KernelTypes) -> None:
    probe = Probe(1, "syscall", "vmlinux", "getpid", "entry")
    assert shown(probe, types, []) == []


def test_a_type_that_nobody_knows(types: KernelTypes) -> None:
    with pytest.raises(CompileError) as caught:
        shown(Probe(1, "syscall", "vmlinux", "openat", "entry"), types, ["int", "unheard_of_t"])
    assert (caught.value.tag, caught.value.message) == (
        "D_ARGS_TYPE",
        "failed to resolve type of args[1]: unheard_of_t",
    )


def test_begin_has_none(types: KernelTypes) -> None:
    assert shown(BEGIN, types) == []


def asked(probes: list[str]) -> tuple[list[str], list[tuple[tuple[ProbeArgument, ...], list[str]]]]:
    """Whose arguments were asked for when a clause matches these probes, and what the clause is checked with."""
    seen: list[str] = []
    kinds = {"i": (ProbeArgument(0, INT),), "l": (ProbeArgument(0, LONG),)}

    def of(probe: str) -> tuple[ProbeArgument, ...]:
        seen.append(probe)
        return kinds[probe]

    return seen, [(each.arguments(), [*each.probes]) for each in ways(["fbt::f*:entry"], Field.NAME, [probes], of)]


def test_a_clause_is_checked_once_for_each_kind_of_arguments() -> None:
    found = asked(["i", "i", "l", "i"])[1]
    assert found == [((ProbeArgument(0, INT),), []), ((ProbeArgument(0, LONG),), ["l"])]


def test_types_are_not_asked_for_before_args_is_named() -> None:
    seen: list[str] = []

    def of(probe: str) -> tuple[ProbeArgument, ...]:
        seen.append(probe)
        return ()

    next(iter(ways(["fbt::f*:entry"], Field.NAME, [["i", "l"]], of)))
    assert seen == []
