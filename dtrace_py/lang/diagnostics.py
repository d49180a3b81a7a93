"""How errors are shown: DTrace's line, and unless tags are asked for, the place in the text, a hint, and the other errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Source, Span, as_text

_TAB = 4
_WIDTH = 160
"""Columns of the text that an excerpt shows at most."""


def one_line(error: CompileError, source: Source, errtags: bool) -> str:
    """The message as DTrace prints it behind its own name (N1, N2, N7), one character a byte."""
    tag = f"[{error.tag}] " if errtags else ""
    text = f"{tag}{_location(error, source)}{error.message}"
    if source.path is not None:
        return f"failed to compile script {source.path}: {text}"
    return f"invalid probe specifier {source.text}: {text}"


def explained(errors: Sequence[CompileError], source: Source) -> str:
    """All errors, as text: the first one by DTrace's line, the others by what is wrong with them; excerpts and hints."""
    shown = [_explained(errors[0], source, one_line(errors[0], source, False))]
    shown += [_explained(error, source, f"{_location(error, source)}{error.message}") for error in errors[1:]]
    return "\n".join(shown)


def _explained(error: CompileError, source: Source, line: str) -> str:
    lines = [as_text(line)]
    if error.span is not None:
        lines += excerpt(error.source or source, error.span)
    if error.hint is not None and (hint := error.hint()):
        lines.append(f"  {as_text(hint)}")
    return "\n".join(lines)


def _location(error: CompileError, source: Source) -> str:
    span = error.span
    source = error.source or source
    if span is not None and span.file is not None:
        return f'"{span.file}", line {span.line}: '
    if span is not None and source.is_script:
        return f"line {span.line}: "
    if error.region is not None and not source.is_script:
        return f"in {error.region}: "
    return ""


def excerpt(source: Source, span: Span) -> Iterator[str]:
    """The line of the text where a span begins, and carets below what of it the span covers."""
    text = source.text
    begin = text.rfind("\n", 0, span.start) + 1
    stop = text.find("\n", span.start)
    stop = len(text) if stop < 0 else stop
    if begin == stop:
        return
    start, end = _whole(text, span.start), min(span.end, stop)
    while end < stop and _continues(text[end]):
        end += 1
    before, marked, after = map(_shown, (text[begin:start], text[start:end], text[end:stop]))
    if len(before) > _WIDTH // 2:
        before = "..." + before[-_WIDTH // 2 :]
    yield f"{span.line:>5} | {(before + marked + after)[:_WIDTH]}"
    yield f"{'':>5} | {(' ' * len(before) + '^' * max(len(marked), 1))[:_WIDTH]}"


def _continues(char: str) -> bool:
    """Whether a byte is the inside of a UTF-8 character."""
    return 0x80 <= ord(char) < 0xC0


def _whole(text: str, at: int) -> int:
    """The start of the character that a byte belongs to."""
    while at and at < len(text) and _continues(text[at]):
        at -= 1
    return at


def _shown(text: str) -> str:
    """Text as it goes to a terminal: bytes decoded, every character one column."""
    printable = as_text(text).replace("\t", " " * _TAB)
    return "".join(char if char.isprintable() else "?" for char in printable)
