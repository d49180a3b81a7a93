"""Our own D library: its index is up to date, and all of it is right on this kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dtrace_py.lang import ast
from dtrace_py.lang.libraries import INDEX, SYSTEM
from dtrace_py.lang.macros import Macros
from dtrace_py.lang.parser import Parser
from dtrace_py.lang.pragmas import Pragmas
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


def test_the_index_is_up_to_date() -> None:
    found = sorted(row for path in SYSTEM.glob("*.d") for row in rows(path))
    index = "".join("\t".join(map(str, row)) + "\n" for row in found)
    if os.environ.get("DTPY_UPDATE"):
        (SYSTEM / INDEX).write_text(index)
    assert (SYSTEM / INDEX).read_text() == index, "DTPY_UPDATE=1 pytest -k index rewrites it"
