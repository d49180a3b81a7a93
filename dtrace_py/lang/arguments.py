"""What args[] is in a clause: one thing for every probe of a description, or an error (contract P15, P28, B2, V61)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from dtrace_py.lang.definitions import ProbeArgument
from dtrace_py.lang.describe import is_glob, parse_description
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Field

ArgumentsOf = Callable[[Any], tuple[ProbeArgument, ...]]
"""The typed arguments of a probe; none if its provider does not type them."""

Signature = Callable[[], tuple[ProbeArgument, ...]]


def signatures(
    descriptions: Sequence[str], context: Field, probes: Sequence[Sequence[Any]], of: ArgumentsOf
) -> Iterator[Signature]:
    """One for each way in which the clause has to be checked: the next one is for the same clause, with other args[]."""
    if not probes:
        yield partial(_unstable, descriptions[0] if descriptions else "")
    for text, matched in zip(descriptions, probes, strict=False):
        description = parse_description(text, context)
        names = (description.provider, description.name)
        loose = description.id is None and any(not name or is_glob(name) for name in names)
        if loose or not matched:
            yield partial(_unstable, text)
            continue
        # The first is asked for only if args[] is named, and the others only if the first was: types are slow to find.
        yield partial(of, matched[0])
        seen = {of(matched[0])}
        for probe in matched[1:]:
            arguments = of(probe)
            if arguments not in seen:
                seen.add(arguments)
                yield partial(_same, arguments)


def _same(arguments: tuple[ProbeArgument, ...]) -> tuple[ProbeArgument, ...]:
    return arguments


def _unstable(text: str) -> tuple[ProbeArgument, ...]:
    reason = f"args[ ] may not be referenced because probe description {text} matches an unstable set of probes"
    raise CompileError("D_ARGS_MULTI", reason)
