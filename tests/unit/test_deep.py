"""Programs that go on and on: each compiles, or is refused with a tag."""

from __future__ import annotations

import re
import time

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


CHAINS = {
    # what the first is, what each makes of the one before it: tag
    ("typedef int t0;", "typedef {0} {1};"): "D_SYNTAX",
    ("typedef int t0;", "typedef {0} *{1};"): "D_SYNTAX",
    ("typedef int t0;", "typedef {0} {1}[1];"): "D_SYNTAX",
    ("typedef int t0;", "typedef {0} {1}[10];"): "D_DECL_ARRBIG",
    ("struct t0 {{ int a; }};", "struct {1} {{ struct {0} a; int b; }};"): "",
    ("struct t0 {{ int a; }};", "struct {1} {{ struct {0} a; struct {0} b; }};"): "D_UNKNOWN",
    ("inline int t0 = 1;", "inline int {1} = {0} + 1;"): "D_SYNTAX",
    ("struct o {{ int a; }};", "translator struct o < struct {1} *t > {{ a = 1; }};"): "",
}
"""Definitions that stand upon one another: two thousand of them take no longer than two thousand others."""


@pytest.mark.parametrize(("first", "each"), CHAINS)
def test_a_chain(first: str, each: str) -> None:
    chain = "\n".join([first.format(), *(each.format(f"t{number}", f"t{number + 1}") for number in range(2000))])
    began = time.process_time()
    _refused(f"{chain} BEGIN {{ }}", CHAINS[first, each])
    assert time.process_time() - began < 2


def _refused(program: str, tag: str) -> None:
    outcome = run(["-x", "errtags", "-e", "-n", program])
    found = re.search(r": \[(\w+)\]", outcome.stderr)
    assert (found[1] if found else outcome.stderr) == tag
    assert outcome.status == (1 if tag else 0)
