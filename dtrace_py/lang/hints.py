"""Did you mean ...? Names that are like a name that is not known."""

from __future__ import annotations

from collections.abc import Callable, Collection

from dtrace_py.lang.errors import Hint

_MOST = 3
_CLOSE = 0.7
"""How alike names must be, 1 being the same (difflib's ratio)."""


def like(name: str, known: Callable[[], Collection[str]]) -> Hint:
    """A hint that names what is like ``name`` among what is known."""
    return lambda: did_you_mean(similar(name, known()))


def similar(name: str, known: Collection[str]) -> list[str]:
    """The few names that are most like this one, the best first."""
    from difflib import get_close_matches  # slow to import, and needed only for an error

    # Of the tens of thousands of functions of a kernel most can be told to be different by their length.
    slack = 1 + len(name) // 3
    near = {other for other in known if abs(len(other) - len(name)) <= slack and other != name}
    if copies := sorted(other for other in known if other.startswith(f"{name}.")):
        return copies[:_MOST]  # the compiler made foo.isra.0 of foo
    return get_close_matches(name, sorted(near), _MOST, _CLOSE)


def did_you_mean(names: list[str]) -> str | None:
    """The sentence; None if there is nothing to say."""
    if not names:
        return None
    *others, last = names
    return f"did you mean {', '.join(others) + ' or ' if others else ''}{last}?"
