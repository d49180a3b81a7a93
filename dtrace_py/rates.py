"""How often things are looked at: what was asked for, within bounds, and what is said when it is not had (X10, U55)."""

from __future__ import annotations

from collections.abc import Iterator

from dtrace_py.options import Options

SECOND = 10**9

_BOUNDS = {"cleanrate": (SECOND // 5000, 60 * SECOND), "statusrate": (0, 10 * SECOND)}
"""The shortest and the longest interval, in nanoseconds."""

_NAMES = {"cleanrate": "cleaning rate", "statusrate": "status rate"}


def interval(options: Options, name: str) -> int:
    """The interval in nanoseconds. A cleanrate of 0 is the longest there is."""
    shortest, longest = _BOUNDS[name]
    asked = options.number(name)
    return longest if name == "cleanrate" and not asked else min(max(asked, shortest), longest)


def changed(options: Options) -> Iterator[str]:
    """What to say of rates that are not as asked for."""
    for name, what in _NAMES.items():
        asked, had = options.number(name), interval(options, name)
        if asked != had:
            yield f"{what} {'reduced' if had > asked else 'increased'} to {_spelled(had)}"


def _spelled(nanoseconds: int) -> str:
    if nanoseconds <= SECOND and SECOND % nanoseconds == 0:
        return f"{SECOND // nanoseconds} hz"
    if nanoseconds % SECOND == 0:
        return f"once every {nanoseconds // SECOND} seconds"
    return f"once every {nanoseconds} nanoseconds"
