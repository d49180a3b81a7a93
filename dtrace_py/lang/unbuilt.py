"""The one place where a checked program is refused for what cannot be run yet: by name, and in program order."""

from __future__ import annotations

from collections.abc import Iterator

from dtrace_py.lang import typed
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.formats import Format, later
from dtrace_py.lang.program import Clause
from dtrace_py.lang.source import Span
from dtrace_py.record import values


def unbuilt(clause: Clause) -> Iterator[CompileError]:
    """An error for everything in a clause that the generator has no C for."""
    parts: list[tuple[str, object]] = [("predicate", clause.predicate)]
    parts += [("action list", statement) for statement in clause.statements]
    for region, part in parts:
        for what, span in dict.fromkeys(_found(part, clause.span)):
            if span.expands:
                written = " ".join(clause.source.text[span.start : span.end].split())
                what = f"{written} uses {what}, which"
            error = not_built(what, span)
            error.region = region
            yield error


def _found(node: object, span: Span) -> Iterator[tuple[str, Span]]:
    """What is not built in a node, and where; the outermost of nested things is named."""
    if isinstance(node, tuple) and not hasattr(node, "_fields"):
        for each in node:
            yield from _found(each, span)
        return
    if not isinstance(node, typed.Typed | typed.Acts | typed.Member | typed.RecordedKey | typed.Later):
        return
    span = getattr(node, "span", span)
    if what := _reason(node):
        yield what, span
        return
    for each in values(node):
        yield from _found(each, span)


def _reason(node: object) -> str | None:
    match node:
        case typed.Later():
            return node.what
        case typed.Perform(action=action) if not action.generated:
            return f"{action.name}( )"
        case typed.Printf(format=fmt) | typed.Command(format=fmt) | typed.Printa(format=Format() as fmt) if (
            letters := later(fmt)
        ):
            return f"format conversion %{letters}"
    return None
