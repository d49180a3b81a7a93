"""What args[] is in a clause: one thing for every probe of a description, or an error (contract P15, P28, B2, V61)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from dtrace_py.lang.definitions import ProbeArgument
from dtrace_py.lang.describe import is_glob, parse_description
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Field

ArgumentsOf = Callable[[Any], tuple[ProbeArgument, ...]]
"""The typed arguments of a probe; none if its provider does not type them."""

Signature = Callable[[], tuple[ProbeArgument, ...]]


class Way(NamedTuple):
    """One thing that args[] can be, and the probes where it is that and not what the first way says."""

    arguments: Signature
    probes: Sequence[Any] = ()


def ways(
    descriptions: Sequence[str], context: Field, probes: Sequence[Sequence[Any]], of: ArgumentsOf
) -> Iterator[Way]:
    """Each way in which a clause has to be checked. If args[] is not asked for in the first, that is the only one.

    Types are slow to find: the first asks for them only if it has to, and only the second for those of all probes.
    """
    matches = list(zip(descriptions, probes, strict=False))
    loose = [text for text, matched in matches if not matched or _is_loose(text, context)]
    if loose or not matches:
        yield Way(partial(_unstable, (loose or [*descriptions, ""])[0]))
        return
    yield Way(partial(of, matches[0][1][0]))
    groups: dict[tuple[ProbeArgument, ...], list[Any]] = {}
    for _, matched in matches:
        for probe in matched:
            groups.setdefault(of(probe), []).append(probe)
    _, *others = groups.items()
    for arguments, some in others:
        yield Way(partial(_same, arguments), some)


def _is_loose(text: str, context: Field) -> bool:
    """Whether a description leaves open which provider's probes it is about, or which of them (P28)."""
    description = parse_description(text, context)
    names = (description.provider, description.name)
    return description.id is None and any(not name or is_glob(name) for name in names)


def _same(arguments: tuple[ProbeArgument, ...]) -> tuple[ProbeArgument, ...]:
    return arguments


def _unstable(text: str) -> tuple[ProbeArgument, ...]:
    reason = f"args[ ] may not be referenced because probe description {text} matches an unstable set of probes"
    raise CompileError("D_ARGS_MULTI", reason)
