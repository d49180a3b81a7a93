"""Declarations in, types and values of expressions or errors out: the cases of ``types/*.case``.

    @ rows of the contract, and what the case shows
    | declarations
    ? expression                        checked after them: its type, and its value if it is constant
    ! TAG line: message                 of each error

The kernel is the made-up one of tests/unit/made_up.py. ``DTPY_UPDATE=1 pytest tests/golden`` writes the files anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dtrace_py.kernel.types import KernelTypes
from dtrace_py.lang import typed
from dtrace_py.lang.check.expressions import ExpressionChecker
from dtrace_py.lang.compiler import Compiler, Settings
from dtrace_py.lang.errors import CompileError, CompileErrors
from dtrace_py.lang.grammar import ast, tree
from dtrace_py.lang.grammar.macros import Macros
from dtrace_py.lang.grammar.parser import parse
from dtrace_py.lang.grammar.pragmas import Pragmas
from dtrace_py.lang.limits import Limits
from dtrace_py.lang.source import Source
from tests.unit.made_up import kernel_types

FILES = sorted((Path(__file__).parent / "types").glob("*.case"))


def lines(case: str, mark: str) -> list[str]:
    return [line[2:] for line in case.splitlines() if line[:1] == mark]


def shown(error: CompileError) -> str:
    line = error.span.line if error.span else "?"
    return f"! {error.tag} {line}: {error.message}".replace("\n\t", " \\ ")


def value(text: str, compiler: Compiler) -> str:
    """Type and value of an expression, or what is wrong with it."""
    source = Source(f"x {{ {text} }}", path="x.d")
    parsed = parse(source, Macros({}), Pragmas(lambda *_: None), lambda name: compiler.scope.is_type(name))
    if parsed.errors:
        return shown(parsed.errors[0])
    (clause,) = parsed.items
    assert isinstance(clause, tree.Clause)
    assert clause.body
    (node,) = clause.body
    assert not isinstance(node, ast.If)
    try:
        result = ExpressionChecker(compiler.scope, Limits(256)).check(node)
    except CompileError as error:
        return shown(error)
    return f"{result.type}" + (f" = {result.value}" if isinstance(result, typed.Const) else "")


def outcome(case: str, types: KernelTypes) -> list[str]:
    settings = Settings({"strsize": 256, "stackframes": 20}.__getitem__, lambda name: name == "empty", lambda *_: None)
    compiler = Compiler(lambda: types, settings, lambda texts, places, context: ())
    made = []
    try:
        compiler.compile(Source("\n".join(lines(case, "|")) + "\n", path="x.d"), Macros({}))
    except CompileErrors as errors:
        made = [shown(error) for error in errors.errors]
    except CompileError as error:
        made = [shown(error)]
    asked = [line.split("  →  ")[0] for line in lines(case, "?")]
    return made + [f"? {text}  →  {value(text, compiler)}" for text in asked]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_types(path: Path, tmp_path: Path) -> None:
    types = kernel_types(tmp_path)
    made = []
    for case in re.split(r"\n\n(?=@)", path.read_text().rstrip("\n")):
        given = [line for line in case.splitlines() if line[:1] in "@|#"]
        made.append("\n".join([*given, *outcome(case, types)]))
    text = "\n\n".join(made) + "\n"
    if os.environ.get("DTPY_UPDATE"):
        path.write_text(text)
    assert path.read_text() == text
