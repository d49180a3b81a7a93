"""Programs that go on and on: each compiles, or is refused with a tag."""

from __future__ import annotations

import re

import pytest

from tests.case import run

TIMES = 20_000

ENDLESS = {
    # start, what is repeated, end: tag
    ("a = 1", "+1", ""): "D_SYNTAX",
    ("a = 1", "?1:2", ""): "D_SYNTAX",
    ("a = 1", ",2", ""): "D_SYNTAX",
    ("a = 1", "&&1", ""): "D_SYNTAX",
    ("a = ", "-", "1"): "D_SYNTAX",
    ("a = ", "(", "1"): "D_SYNTAX",
    ("a = ", "b = ", "1"): "D_SYNTAX",
    ("a = ", "(int)", "1"): "D_SYNTAX",
    ("a = ", "sizeof ", "1"): "D_SYNTAX",
    ("a = (int ", "*", ")1"): "D_SYNTAX",
    ("a", "[1]", ""): "D_SYNTAX",
    ("a", "->b", ""): "D_SYNTAX",
    ("", "strlen(", ""): "D_SYNTAX",
    ("", "if (1) ", ";"): "D_SYNTAX",
    ("", "if (1) { ", ""): "D_SYNTAX",
    ("", "if (1) ; else ", ";"): "D_SYNTAX",
    ("a = 9", "9", ""): "D_INT_OFLOW",
    ("a = $9", "9", ""): "D_MACRO_UNDEF",
    ("", "/* ", ""): "D_SYNTAX",
    ("", '"\\"', ""): "D_SYNTAX",
    ("", "{", ""): "D_SYNTAX",
    ("", "a = 1;", ""): "",
    ("@[1", ",1", "] = count()"): "",
    ('a = "', "a", '"'): "",
}


@pytest.mark.parametrize(("start", "repeated", "end"), ENDLESS)
def test_a_clause(start: str, repeated: str, end: str) -> None:
    _refused(f"BEGIN {{ {start}{repeated * TIMES}{end}; }}", ENDLESS[start, repeated, end])


OUTER = {
    ("int ", "*", "x; BEGIN { }"): "D_SYNTAX",
    ("int x", "[1]", "; BEGIN { }"): "D_SYNTAX",
    ("int ", "(", "x; BEGIN { }"): "D_SYNTAX",
    ("int x", "(int ", "; BEGIN { }"): "D_SYNTAX",
    ("", "struct { ", "BEGIN { }"): "D_SYNTAX",
    ("", "\n#nosuch", "\nBEGIN { }"): "D_PRAGCTL_INVAL",
    ("#line ", "9", "\nBEGIN { }"): "D_PRAGMA_MALFORM",
    ("", "^", "BEGIN { }"): "D_SYNTAX",
    ("", "BEGIN { ( } ", ""): "D_SYNTAX",
    ("BEGIN", ",BEGIN", " { }"): "",
    ("$9", "9", " { }"): "D_PDESC_INVAL",
    ("9", "9", " { }"): "D_PDESC_INVAL",
}


@pytest.mark.parametrize(("start", "repeated", "end"), OUTER)
def test_the_outer_level(start: str, repeated: str, end: str) -> None:
    _refused(start + repeated * TIMES + end, OUTER[start, repeated, end])


def test_inlines_that_double_one_another() -> None:
    doubled = "".join(f"inline int a{number + 1} = a{number} + a{number};" for number in range(40))
    _refused(f"inline int a0 = 1; {doubled} BEGIN {{ trace(a40); }}", "D_SYNTAX")


def _refused(program: str, tag: str) -> None:
    outcome = run(["-x", "errtags", "-e", "-n", program])
    found = re.search(r": \[(\w+)\]", outcome.stderr)
    assert (found[1] if found else outcome.stderr) == tag
    assert outcome.status == (1 if tag else 0)
