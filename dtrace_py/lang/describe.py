"""Probe descriptions: from text to four fields, and what the fields match (contract P1 to P14)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Field, Span

_MAX_ID = (1 << 31) - 1
_GLOB = frozenset("[?*\\")
_LIMITS = (63, 63, 191, 63)


class Description(NamedTuple):
    """Four fields, each a pattern, a name or empty; or the number of one probe."""

    provider: str = ""
    module: str = ""
    function: str = ""
    name: str = ""
    id: int | None = None

    @property
    def fields(self) -> tuple[str, str, str, str]:
        return self.provider, self.module, self.function, self.name

    def __str__(self) -> str:
        return ":".join(self.fields) if self.id is None else str(self.id)


def parse_description(text: str, context: Field, span: Span | None = None) -> Description:
    """The fields of a description; fewer than four fill up from the right, from the context field on (P3, P4)."""
    if text.isdecimal():
        return _numbered(text, context, span)
    parts = text.split(":")
    if len(parts) > context + 1:
        raise invalid(text, "Overspecified probe description", span)
    fields = [""] * 4
    fields[context + 1 - len(parts) : context + 1] = parts
    if any(len(part) > limit for part, limit in zip(fields, _LIMITS, strict=True)):
        raise invalid(text, "name too long", span)
    return Description(fields[0], fields[1], fields[2], fields[3])


def invalid(text: str, reason: str, span: Span | None = None) -> CompileError:
    """D_PDESC_INVAL."""
    return CompileError("D_PDESC_INVAL", f'invalid probe description "{text}": {reason}', span)


def unknown_id(text: str, span: Span | None = None) -> CompileError:
    """D_PDESC_INVAL for a number that no probe has (P14)."""
    return CompileError("D_PDESC_INVAL", f"invalid probe identifier {text}: Unknown probe identifier", span)


def _numbered(text: str, context: Field, span: Span | None) -> Description:
    if context is not Field.NAME:
        what = f"{context.name.lower()}s"
        text = f"probe identifier {text} not permitted when specifying {what}"
        raise CompileError("D_PDESC_INVAL", text, span)
    number = int(text[-4000:])  # Python reads only so many digits
    if len(text) > 4000 or not 0 < number <= _MAX_ID:
        raise unknown_id(text, span)
    return Description(id=number)


def is_glob(pattern: str) -> bool:
    """Whether a field is matched as a pattern rather than compared (P11)."""
    return any(char in _GLOB for char in pattern)


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], object]:
    """A test for one field: anything if it is empty, a glob, or equality (P6 to P11)."""
    if pattern in ("", "*"):
        return _anything
    if not is_glob(pattern):
        return pattern.__eq__
    regex = _regex(pattern)
    return re.compile(regex, re.DOTALL).fullmatch if regex is not None else _nothing


def _anything(_: str) -> bool:
    return True


def _nothing(_: str) -> bool:
    return False


def _regex(pattern: str) -> str | None:
    """The regular expression of a glob; None for one that matches nothing."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append(".*")
        elif char == "?":
            parts.append(".")
        elif char == "\\" and at < len(pattern):
            parts.append(re.escape(pattern[at]))
            at += 1
        elif char == "[":
            end = _set_end(pattern, at)
            if end < 0:
                return None
            parts.append(_set(pattern[at:end]))
            at = end + 1
        else:
            parts.append(re.escape(char))
    return re.sub(r"(\.\*)+", ".*", "".join(parts))


def _set_end(pattern: str, start: int) -> int:
    """Where the ] of a set stands; one that comes first belongs to the set, a quoted one too."""
    at = start + (pattern[start : start + 1] == "!")
    first = at
    while at < len(pattern):
        if pattern[at] == "]" and at > first:
            return at
        at += 2 if pattern[at] == "\\" else 1
    return -1


def _set(body: str) -> str:
    negated = body.startswith("!")
    body = body[1:] if negated else body
    members = []
    for match in re.finditer(r"(?P<low>\\?.)-(?P<high>\\?.)|\\?.", body, re.DOTALL):
        if match["low"]:
            low, high = match["low"][-1], match["high"][-1]
            if low <= high:
                members.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            members.append(re.escape(match[0][-1]))
    if not members:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{''.join(members)}]"
