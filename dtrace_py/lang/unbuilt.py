"""The one place where a checked program is refused for what cannot be run yet: actions, by name and in program order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from dtrace_py.lang import acts
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.program import Clause


def unbuilt(clause: Clause) -> Iterator[CompileError]:
    """An error for every action of a clause that the generator has no C for."""
    actions = (each.action for each in chain(*clause.blocks) if isinstance(each, acts.Perform))
    for name in dict.fromkeys(action.name for action in actions if not action.generated):
        error = not_built(f"{name}( )", clause.span)
        error.region = "action list"
        yield error
