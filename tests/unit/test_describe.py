"""Probe descriptions: how fields fill up, and what they match (contract P1 to P11)."""

from __future__ import annotations

import pytest

from dtrace_py.lang.describe import matcher, parse_description
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Field


@pytest.mark.parametrize(
    ("text", "context", "fields"),
    [
        ("a:b:c:d", Field.NAME, ("a", "b", "c", "d")),
        ("c:d", Field.NAME, ("", "", "c", "d")),
        ("a:b", Field.FUNCTION, ("", "a", "b", "")),
        ("a:b", Field.MODULE, ("a", "b", "", "")),
        ("a", Field.PROVIDER, ("a", "", "", "")),
        ("a:::", Field.NAME, ("a", "", "", "")),
        ("p" * 63 + ":::" + "n" * 63, Field.NAME, ("p" * 63, "", "", "n" * 63)),
    ],
)
def test_fields(text: str, context: Field, fields: tuple[str, ...]) -> None:
    assert parse_description(text, context).fields == fields


@pytest.mark.parametrize(
    ("text", "context"),
    [("a:b:c:d:e", Field.NAME), ("a:b:c:d", Field.FUNCTION), ("p" * 64 + ":::", Field.NAME), ("0", Field.NAME)],
)
def test_what_is_no_description(text: str, context: Field) -> None:
    with pytest.raises(CompileError) as caught:
        parse_description(text, context)
    assert caught.value.tag == "D_PDESC_INVAL"


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("", "anything", True),
        ("read", "read", True),
        ("read", "Read", False),
        ("read", "reads", False),
        ("re*", "read", True),
        ("r**d", "read", True),
        ("*", "", True),
        ("r?ad", "read", True),
        ("r?ad", "rad", False),
        ("r[a-f]ad", "read", True),
        ("r[!a-f]ad", "read", False),
        ("r[^x]ad", "r^ad", True),
        ("r[]x]d", "r]d", True),
        ("r[a-", "ra", False),
        (r"r\*d", "r*d", True),
        (r"r\*d", "read", False),
    ],
)
def test_matching(pattern: str, text: str, matches: bool) -> None:
    assert bool(matcher(pattern)(text)) is matches
