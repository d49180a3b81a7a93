"""D in, syntax tree or syntax errors out: the cases of ``grammar/*.case``.

    @ rows of the contract, and what the case shows
    $ operands of the command
    | a program, or with : statements of a clause; both may take several lines
    > its tree, an item a line
    ! TAG line: message, of each error

After a change that is meant, ``DTPY_UPDATE=1 pytest tests/golden`` writes the files anew; the difference is for the
reviewer to read.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dtrace_py.lang.grammar import tree, tree_text
from dtrace_py.lang.grammar.macros import Macros
from dtrace_py.lang.grammar.parser import parse
from dtrace_py.lang.grammar.pragmas import Pragmas
from dtrace_py.lang.recursion import deep_recursion
from dtrace_py.lang.source import Source, Span

FILES = sorted((Path(__file__).parent / "grammar").glob("*.case"))
TYPES = frozenset("int32_t pid_t size_t uint64_t kernel_t mod`kernel_t".split())
"""What the parser is told are types."""


def cases(path: Path) -> list[str]:
    return re.split(r"\n\n(?=@)", path.read_text().rstrip("\n"))


def marked(case: str, mark: str) -> list[str]:
    return [line[2:] for line in case.splitlines() if line[:1] == mark]


def parsed(case: str) -> tree.Program:
    statements = marked(case, ":")
    text = "x { " + "\n".join(statements) + "\n}" if statements else "\n".join(marked(case, "|")) + "\n"
    operands = [word for line in marked(case, "$") for word in shlex.split(line)]
    macros = Macros({"pid": 42, "target": 7}, operands, "dtpy")
    with deep_recursion():
        return parse(Source(text, path="x.d"), macros, Pragmas(lambda name, value: None), TYPES.__contains__)


def result(case: str) -> list[str]:
    """What the parser makes of a case, as lines of the file."""
    program = parsed(case)
    lines: list[str] = []
    for item in program.items:
        if marked(case, ":") and isinstance(item, tree.Clause):
            lines += [f"> {tree_text.statement(each)}" for each in item.body or ()]
        else:
            lines.append(f"> {tree_text.item(item)}")
    for error in program.errors:
        assert error.span is not None
        where = f'"{error.span.file}" ' if error.span.file else ""
        lines.append(f"! {error.tag} {where}{error.span.line}: {error.message}")
    return lines


def given(case: str) -> list[str]:
    return [line for line in case.splitlines() if line[:1] in "@$|:#"]


if os.environ.get("DTPY_UPDATE"):
    for each in FILES:
        each.write_text("\n\n".join("\n".join(given(case) + result(case)) for case in cases(each)) + "\n")

CASES = [pytest.param(case, id=f"{path.stem}: {case.splitlines()[0][2:]}") for path in FILES for case in cases(path)]


@pytest.mark.parametrize("case", CASES)
def test_tree(case: str) -> None:
    assert "\n".join(given(case) + result(case)) == case


def nodes(node: Any, parent: Span) -> Iterator[tuple[Any, Span]]:
    """Every node below one, with the place of the node that it is in."""
    if isinstance(node, tuple) and not hasattr(node, "span"):
        for each in node:
            yield from nodes(each, parent)
    elif hasattr(node, "span"):
        yield node, parent
        for value in vars(node).values() if hasattr(node, "__dict__") else node:
            yield from nodes(value, node.span)


@pytest.mark.parametrize("case", CASES)
def test_every_place_is_inside_the_place_around_it(case: str) -> None:
    for item in parsed(case).items:
        for node, around in nodes(item, item.span):
            inside = around.start <= node.span.start <= node.span.end <= around.end
            assert inside, f"{type(node).__name__} at {node.span}, in {around}"


CLEAN = """
int known; inline int LIMIT = 3; self uint64_t start; typedef struct pair { int a; } pair_t; pair_t *p;
syscall::read:entry, fbt::foo*:return /(a[1] > 2) && (arg0) == 3/ {
    x = 1; b[pid] = 2;
    (x) + 1; (x)->y; (x * 2); (x * (y)); (strlen(s) + 1); (b[2]) - 1; sizeof (x); (known) - LIMIT; -(q); (q).r; (q) ? 1 : 2;
    (pair_t *)q; (struct foo *)q; (int)(r); (f(*q)); @a[(q), (c[3])] = count(); if ((z)) { (z) && q; }
}
"""


def test_the_kernel_is_not_asked_for_types_that_no_word_can_be() -> None:
    asked: set[str] = set()

    def is_type(name: str) -> bool:
        asked.add(name)
        return name == "uint64_t"

    program = parse(Source(CLEAN, path="x.d"), Macros({}), Pragmas(lambda name, value: None), is_type)
    assert not program.errors
    assert asked == {"uint64_t", "f"}, "what may be the type in (f(*q))"
