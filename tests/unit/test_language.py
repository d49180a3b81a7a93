"""docs/language.md is up to date, and every row and error tag of the language is shown by a test, or says why not."""

from __future__ import annotations

import re
from pathlib import Path

import dtrace_py
from tests.language.evidence import evidence
from tests.language.rows import DOCUMENT, document, listed, names, tags

RAISED = re.compile(r'"(D_[A-Z0-9_]*[A-Z0-9])"')


def raised() -> set[str]:
    """The tags that the code spells out."""
    texts = [path.read_text() for path in Path(dtrace_py.__file__).parent.rglob("*.py")]
    return {tag for text in texts for tag in RAISED.findall(text)}


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document(), "python -m tests.language.rows writes it anew"


def test_every_row_has_a_test() -> None:
    rows = [row for row, state, _ in listed() if state in "+~"] + list(names())
    assert [row for row in rows if row not in evidence()] == []


def test_every_tag_has_a_test_or_a_reason() -> None:
    assert [tag for tag, why in tags().items() if not why and tag not in evidence()] == []


def test_tags_are_those_of_the_list() -> None:
    assert raised() - tags().keys() == set()
    assert [tag for tag in raised() if tags()[tag]] == []
