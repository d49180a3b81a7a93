"""Inputs by number: the same seed and number always make the same one."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dtrace_py.lang.source import Field, Source
from tests.case import load
from tests.fuzz import grammar

TESTS = Path(__file__).parent.parent

MOST = 20_000
"""Bytes of an input, but for those that are nested."""

_TOKENS = (
    "{ } ( ) [ ] ; , . : ? / // /* */ # @ $ $$ ` `` -> -- ++ << >> <<= == != <= && || ^^ ~ ! = += \" ' \\ \\\n \n \t \0 \xff "
    "0 0x 0x 1.5 08 1e9 1.0 18446744073709551615 99999999999999999999 'a' \"s\" %s ... -1"
).split(" ")

_NESTS = (
    ("(", ")", "1"),
    ("{ if (1) ", "}", "trace(1);"),
    ("-", "", "1"),
    ("*", "", "p"),
    ("sizeof (", ")", "int"),
    ("a[", "]", "1"),
    ("1 + (", ")", "1"),
    ("1 ? (", ") : 1", "1"),
    ("1 ? 1 : ", "", "1"),
    ("x = ", "", "1"),
    ("(int)", "", "1"),
    ("1 + ", "", "1"),
    ("strjoin(", ', "a")', '"b"'),
    ("!", "", "1"),
    ("a->", "", "b"),
    ("this->x++ + ", "", "1"),
    ("1, ", "", "1"),
    ('"a" == (', ")", '"b"'),
)
_DECLARED_NESTS = (
    ("struct { ", " x; }", "int y;"),
    ("int (*", ")(void)", "x"),
    ("*", "", "x"),
    ("(", ")", "x"),
    ("", "[1]", "x"),
    ("struct s { struct { ", " a; } b; }", "int c;"),
)


class Input(NamedTuple):
    """What one run of the compiler gets."""

    kind: str
    source: Source
    operands: tuple[str, ...] = ()
    zdefs: bool = False
    tags: bool = True
    """Whether only the one line with the tag is shown; else excerpts and hints are made too."""


_WITH_PRELUDE = ("program", "clause", "declarations")


def make(seed: int, number: int) -> Input:
    """The input of that number."""
    rng = random.Random(seed * 1_000_003 + number)
    kind = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    text = KINDS[kind][1](rng)
    script = rng.random() < 0.6
    if kind in _WITH_PRELUDE and rng.random() < 0.4:
        text = grammar.PRELUDE + text
    source = Source(text, path="fuzz.d") if script else Source(text, rng.choice((*Field, *[Field.NAME] * 9)))
    operands = tuple(
        rng.choice(("1", "-5", "a b", '"q"', "pid", "0x", "99999999999999999999", "")) for _ in range(rng.randrange(3))
    )
    return Input(kind, source, operands, rng.random() < 0.8, rng.random() < 0.95)


def _program(rng: random.Random) -> str:
    return grammar.make(rng, "program", rng.randrange(4, 15))


def _clause(rng: random.Random) -> str:
    return f"BEGIN {{ {grammar.make(rng, rng.choice(('statement', 'expr', 'fine')), rng.randrange(2, 9))} }}"


def _declarations(rng: random.Random) -> str:
    lines = [grammar.make(rng, "declaration", rng.randrange(2, 8)) for _ in range(rng.randrange(1, 5))]
    return "\n".join([*lines, "BEGIN { trace(" + grammar.make(rng, "expr", rng.randrange(1, 5)) + "); }"])


def _soup(rng: random.Random) -> str:
    rules = grammar.SYMBOLS
    parts = []
    for _ in range(rng.randrange(1, 40)):
        parts.append(rng.choice(_TOKENS) if rng.random() < 0.5 else grammar.make(rng, rng.choice(rules), 1))
    return (" " if rng.random() < 0.8 else "").join(parts)


def _mutated(rng: random.Random) -> str:
    chosen = rng.random()
    text = rng.choice(corpus()) if chosen < 0.7 else _program(rng)
    for _ in range(rng.choice((1, 1, 2, 3, 5, 20))):
        text = rng.choice(_MUTATIONS)(rng, text)
    return text[:MOST]


def _nested(rng: random.Random) -> str:
    times = rng.choice((3, 30, 300, 1000, 3000, 10_000))
    if rng.random() < 0.3:
        before, after, inside = rng.choice(_DECLARED_NESTS)
        text = f"{before * times}{inside}{after * times};"
        return f"int {text} BEGIN {{}}" if "struct" not in before else f"{text} BEGIN {{}}"
    before, after, inside = rng.choice(_NESTS)
    if rng.random() < 0.3:
        after = after[: rng.randrange(len(after) + 1)]
    text = f"{before * times}{inside}{after * times}"
    return f"BEGIN /{text}/ {{}}" if rng.random() < 0.2 else f"BEGIN {{ {text}; }}"


def _bytes(rng: random.Random) -> str:
    return rng.randbytes(rng.choice((1, 3, 10, 100, 1000))).decode("latin-1")


def _description(rng: random.Random) -> str:
    letters = "abz:::***??[]!-\\$$1`_9. ,/{};"
    return "".join(rng.choice(letters) for _ in range(rng.choice((1, 4, 10, 30, 200))))


KINDS = {
    "program": (25, _program),
    "clause": (20, _clause),
    "declarations": (15, _declarations),
    "mutated": (25, _mutated),
    "soup": (8, _soup),
    "description": (3, _description),
    "bytes": (3, _bytes),
    "nested": (1, _nested),
}
"""How often each kind comes, and how it is made."""


@cache
def corpus() -> tuple[str, ...]:
    """All the D of the repository: examples, golden files, the programs and scripts of cases."""
    files = [
        *(TESTS.parent / "examples").glob("*.d"),
        *TESTS.rglob("*.d"),
        *(TESTS.parent / "dtrace_py" / "dlib").rglob("*.d"),
    ]
    texts = [path.read_text("latin-1") for path in sorted(files)]
    for case in load(*sorted((TESTS / "cases").rglob("*.case"))):
        texts += re.findall(r"'([^']*[{:][^']*)'", case.arguments)
        if case.script:
            texts.append(case.script)
    return tuple(text[:MOST] for text in texts)


def _place(rng: random.Random, text: str) -> tuple[int, int]:
    start = rng.randrange(len(text) + 1)
    return start, min(len(text), start + rng.choice((1, 1, 2, 5, 20, 100)))


def _flip(rng: random.Random, text: str) -> str:
    at, _ = _place(rng, text)
    return text[:at] + chr(rng.randrange(256)) + text[at + 1 :]


def _delete(rng: random.Random, text: str) -> str:
    start, end = _place(rng, text)
    return text[:start] + text[end:]


def _double(rng: random.Random, text: str) -> str:
    start, end = _place(rng, text)
    return text[:end] + text[start:end] * rng.choice((1, 1, 3, 50)) + text[end:]


def _token(rng: random.Random, text: str) -> str:
    at, _ = _place(rng, text)
    made = rng.choice(_TOKENS) if rng.random() < 0.5 else grammar.make(rng, rng.choice(grammar.SYMBOLS), 2)
    return f"{text[:at]} {made} {text[at:]}"


def _word(rng: random.Random, text: str) -> str:
    """One word or number becomes another one."""
    words = list(re.finditer(r"\w+", text))
    if not words:
        return text
    word = rng.choice(words)
    rule = rng.choice(
        ("name", "builtin", "subroutine", "action", "integer", "word", "typedef", "tag", "typename", "expr")
    )
    return text[: word.start()] + grammar.make(rng, rule, 2) + text[word.end() :]


def _splice(rng: random.Random, text: str) -> str:
    other = rng.choice(corpus())
    start, _ = _place(rng, other)
    at, _ = _place(rng, text)
    return text[:at] + other[start:]


def _cut(rng: random.Random, text: str) -> str:
    return text[: rng.randrange(len(text) + 1)]


_MUTATIONS = (_flip, _delete, _double, _token, _token, _word, _word, _word, _splice, _cut)
