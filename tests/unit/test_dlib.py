"""Our own D library: its index is up to date, and all of it is right on this kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.requirements import BTF
from dtrace_py.kernel.types import KernelTypes
from dtrace_py.lang.compiler import Compiler, Settings
from dtrace_py.lang.facts import NoTypes
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.grammar.macros import Macros
from dtrace_py.lang.grammar.parser import Parser
from dtrace_py.lang.grammar.pragmas import Pragmas
from dtrace_py.lang.libraries import INDEX, SYSTEM
from dtrace_py.lang.source import Source


def names(item: ast.Outer) -> Iterator[str]:
    """What a declaration is loaded for."""
    match item:
        case ast.Inline(declarator=declarator):
            yield declarator.name
        case ast.Translator(output=ast.TypeName(specifier=ast.Words(words=words))):
            yield words[0]
        case ast.Declaration(specifier=specifier, declarators=declarators):
            yield from (declarator.name for declarator in declarators)
            if isinstance(specifier, ast.Struct) and specifier.members is not None and specifier.tag:
                yield f"{specifier.keyword} {specifier.tag}"
        case _:
            raise AssertionError(item)


def rows(path: Path) -> Iterator[tuple[str, str, int, int, int]]:
    """The lines of the index for one file: name, file, first and last character, line."""
    text = path.read_text()
    source = Source(text, path=str(path))
    for item in Parser(source, Macros({}), Pragmas(lambda *_: None), lambda name: name.endswith("_t")).items():
        assert isinstance(item, ast.Node)
        start, end = item.span.start, text.index(";", item.span.end) + 1
        yield from ((name, path.name, start, end, item.span.line) for name in names(item))


def complete() -> Iterator[tuple[str, str, int, int, int]]:
    """The lines of the index: who names a structure by its tag gets what its typedef stands for, translators too."""
    found = [row for path in SYSTEM.glob("*.d") for row in rows(path)]
    tags = {row[1:]: row[0] for row in found if " " in row[0]}
    twins = {row[0]: tags[row[1:]] for row in found if " " not in row[0] and row[1:] in tags}
    yield from found
    yield from ((twins[row[0]], *row[1:]) for row in found if row[0] in twins and row[1:] not in tags)


def test_the_index_is_up_to_date() -> None:
    found = sorted(complete())
    index = "".join("\t".join(map(str, row)) + "\n" for row in found)
    if os.environ.get("DTPY_UPDATE"):
        (SYSTEM / INDEX).write_text(index)
    assert (SYSTEM / INDEX).read_text() == index, "DTPY_UPDATE=1 pytest -k index rewrites it"


@pytest.mark.skipif(not os.path.exists(BTF), reason="this kernel does not describe its types")
def test_all_of_it_is_right_on_this_kernel() -> None:
    settings = Settings(lambda name: 256, lambda name: name == "empty", lambda *_: None)
    types = KernelTypes(Symbols)
    compiler = Compiler(lambda: types, settings, lambda *_: ())
    for name in {line.split("\t")[0] for line in (SYSTEM / INDEX).read_text().splitlines()}:
        if " " not in name:
            assert compiler.scope.is_type(name) or compiler.scope.inline(name), name
    assert len(compiler.scope.translators) == sum(
        path.read_text().count("\ntranslator ") for path in SYSTEM.glob("*.d")
    )


@pytest.mark.skipif(not os.path.exists(BTF), reason="this kernel does not describe its types")
def test_any_of_its_names_may_come_first() -> None:
    settings = Settings(lambda name: 256, lambda name: name == "empty", lambda *_: None)
    types = KernelTypes(Symbols)
    for name in {line.split("\t")[0] for line in (SYSTEM / INDEX).read_text().splitlines()}:
        scope = Compiler(lambda: types, settings, lambda *_: ()).scope
        if " " in name:
            scope.source.tagged(name)
            assert scope.source.is_defined(name), name
        else:
            assert scope.is_type(name) or scope.inline(name), name


def test_a_constant_costs_no_kernel_types() -> None:
    class Untouched(NoTypes):
        def tagged(self, name: str, module: str = "") -> None:
            raise AssertionError(name)

    settings = Settings(lambda name: 256, lambda name: name == "empty", lambda *_: None)
    compiler = Compiler(Untouched, settings, lambda *_: ())
    for name in ("SIGKILL", "B_READ", "PR_STOPPED", "AF_INET", "TH_ACK", "IPPROTO_TCP", "O_CREAT", "EAGAIN", "R_RAX"):
        assert compiler.scope.inline(name), name
