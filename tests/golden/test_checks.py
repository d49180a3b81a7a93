"""Every check of the language: programs that are right, and programs that are wrong and how (``checks/*.txt``).

One case a line: tags of all its errors in order, or ``ok``; the rows of the contract that it shows, or ``-``; statements of
a BEGIN clause, or behind ``|`` a whole program.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dtrace_py.lang import acts, typed
from tests.golden.compiling import compiled

FILES = sorted((Path(__file__).parent / "checks").glob("*.txt"))


def cases(path: Path) -> list[tuple[int, str, str, str]]:
    """Line, expected tags, rows and program of each case in a file."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line and not line.startswith("#"):
            tags, rows, text = line.split(None, 2)
            found.append((number, tags, rows, text))
    return found


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_tags(path: Path) -> None:
    wrong = []
    for number, expected, _, text in cases(path):
        program = text[1:] if text.startswith("|") else f"BEGIN {{ {text} }}"
        errors, _ = compiled(program)
        tags = ",".join(error.tag for error in errors) or "ok"
        if tags != expected:
            wrong.append(f"{path.name}:{number}: {tags}, not {expected}: {text}\n    {[e.message for e in errors]}")
        if errors and errors[0].span is None:
            wrong.append(f"{path.name}:{number}: no place: {text}")
    assert not wrong, "\n".join(wrong)


def test_a_probe_of_too_many_arguments() -> None:
    """D_PROV_PRARGLEN (D9)."""
    tags = {}
    for count in (255, 256):
        errors, _ = compiled(f"provider p {{ probe q({', '.join(['int'] * count)}); }}; BEGIN {{ }}")
        tags[count] = [error.tag for error in errors]
    assert tags == {255: [], 256: ["D_PROV_PRARGLEN"]}


def test_values_of_constants() -> None:
    wrong = []
    for line in (Path(__file__).parent / "values.txt").read_text().splitlines()[1:]:
        match = re.fullmatch(r"\S+\s+(.+? = -?\d+)\s+(.*)", line)
        assert match, line
        expected, text = match.groups()
        errors, program = compiled(f"BEGIN {{ trace({text}); }}")
        assert not errors, line
        (statement,) = program.clauses[0].statements
        assert isinstance(statement, acts.Trace)
        value = statement.value
        found = f"{value.type} = {value.value}" if isinstance(value, typed.Const) else type(value).__name__
        if found != expected:
            wrong.append(f"{text}: {found}, not {expected}")
    assert not wrong, "\n".join(wrong)
