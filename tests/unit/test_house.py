"""Which room may know of which: the compiler half is pure, and bcc stays behind one door."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import dtrace_py

PACKAGE = Path(dtrace_py.__file__).parent

PURE = ("lang", "codegen", "providers")
RUNNING = ("runtime", "consumer", "output", "kernel", "postmortem", "lab", "session", "tracing", "prepare", "cli")


def imported(path: Path) -> set[str]:
    """Every module that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("room", PURE)
def test_the_compiler_half_is_pure(room: str) -> None:
    files = list((PACKAGE / room).rglob("*.py"))
    assert files
    for path in files:
        for name in imported(path):
            assert name != "bcc", path
            assert not name.startswith(tuple(f"dtrace_py.{other}" for other in RUNNING)), f"{path} imports {name}"


def test_only_the_loader_imports_bcc() -> None:
    importers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(name == "bcc" or name.startswith("bcc.") for name in imported(path))
    }
    assert importers == {"runtime/loader.py"}


def test_the_kernel_room_knows_nothing_above_it() -> None:
    above = tuple(
        f"dtrace_py.{room}" for room in ("session", "tracing", "prepare", "cli", "runtime", "consumer", "codegen")
    )
    for path in (PACKAGE / "kernel").glob("*.py"):
        assert not any(name.startswith(above) for name in imported(path)), path


def test_functions_that_stay_functions_return_something() -> None:
    """bpf/linkage.h says why."""
    for path in (PACKAGE.parent / "bpf").glob("*.h"):
        assert not re.search(r"^SUBPROGRAM void\b", path.read_text(), re.MULTILINE), path


def test_imports_run_downward() -> None:
    """What a module imports when it is itself imported never leads back to it."""
    modules = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    graph = {}
    for module, path in modules.items():
        statements = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)]
        named = {f"{node.module}.{alias.name}" for node in statements for alias in node.names}
        graph[module] = (named | {node.module or "" for node in statements}) & modules.keys()
    assert list(TopologicalSorter(graph).static_order())


def test_files_are_of_a_size_to_be_read() -> None:
    long = {path.name: lines for path in PACKAGE.rglob("*.py") if (lines := path.read_text().count("\n")) > 400}
    assert not long
