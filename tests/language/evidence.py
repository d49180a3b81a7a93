"""Which tests show which rows and tags of the language contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent.parent
_ROW = re.compile(r"\b(PF|[PLTSVDCOFBARGN])(\d+)\b")
_RANGE = re.compile(r"\b(PF|[PLTSVDCOFBARGN])(\d+) to \1(\d+)\b")
_TAG = re.compile(r"\bD_[A-Z0-9_]*[A-Z0-9]\b")
_FOLDERS = ("cases", "golden", "unit", "lab")


@cache
def evidence() -> dict[str, list[str]]:
    """Names of test files by the rows and tags that their cases cite, in order of file."""
    found: dict[str, list[str]] = {}
    for path in _files():
        name = str(path.relative_to(TESTS).with_suffix("")).removeprefix("golden/")
        for cited in sorted(set(_cited(path))):
            found.setdefault(cited, []).append(name)
    return found


def _files() -> Iterator[Path]:
    for folder in _FOLDERS:
        for path in sorted((TESTS / folder).rglob("*")):
            if path.suffix in (".case", ".txt", ".py") and path.name != "test_language.py":
                yield path


def _cited(path: Path) -> Iterator[str]:
    text = path.read_text()
    yield from _TAG.findall(text)
    if path.suffix == ".case":  # the titles of cases
        text = "\n".join(line for line in text.splitlines() if line.startswith(("@", "# ")))
    for kind, first, last in _RANGE.findall(text):
        yield from (f"{kind}{number}" for number in range(int(first), int(last) + 1))
    yield from (f"{kind}{number}" for kind, number in _ROW.findall(text))
