"""The profile provider: profile-N on every CPU, tick-N on one (contract 12.3). Probes come to be when they are named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dtrace_py.lang.describe import Description, is_glob, matcher
from dtrace_py.providers.probe import Family, Probe, stabilities

if TYPE_CHECKING:
    from dtrace_py.lang.definitions import ProbeArgument
    from dtrace_py.lang.facts import TypeSource

FIRST = 4
LIMIT = 1000
"""Most probes of this provider at a time (V75)."""

_PREDEFINED = (
    *(f"profile-{rate}" for rate in (97, 199, 499, 997, 1999, 4001, 4999)),
    *(f"tick-{rate}" for rate in (1, 10, 100, 500, 1000, 5000)),
)
_NAME = re.compile(r"(?:profile|tick)-(\d+)([A-Za-z]{0,4})")
_SHORTEST = 200_000
_LONGEST = 1 << 62
"""146 years. The kernel's limit is twice that; a time from now is still a number of 64 bits."""
_UNITS = {
    **dict.fromkeys(("ns", "nsec"), 1),
    **dict.fromkeys(("us", "usec"), 10**3),
    **dict.fromkeys(("ms", "msec"), 10**6),
    **dict.fromkeys(("s", "sec"), 10**9),
    **dict.fromkeys(("m", "min"), 60 * 10**9),
    **dict.fromkeys(("h", "hour"), 3600 * 10**9),
    **dict.fromkeys(("d", "day"), 86400 * 10**9),
}


def interval(name: str) -> int | None:
    """The interval in nanoseconds of a probe name, or None if there is no such probe (V70)."""
    match = _NAME.fullmatch(name)
    if not match or int(match[1]) == 0:
        return None
    number, suffix = int(match[1]), match[2].lower()
    if suffix in ("", "hz"):
        length = 10**9 // number
    elif suffix in _UNITS:
        length = number * _UNITS[suffix]
    else:
        return None
    return length if _SHORTEST <= length <= _LONGEST else None


class ProfileProvider:
    """Timers. ``created`` grows by what descriptions name in full."""

    name = "profile"
    stabilities = stabilities(
        "Evolving/Evolving/Common",
        "Unstable/Unstable/Common",
        "Private/Private/Unknown",
        "Evolving/Evolving/Common",
        "Evolving/Evolving/Common",
    )

    def __init__(self) -> None:
        self.created = list(_PREDEFINED)

    def matching(self, description: Description) -> Iterator[Family]:
        provider, module, function, name = map(matcher, description.fields)
        if not (provider(self.name) and module("") and function("")):
            return
        wanted = description.name
        if wanted not in self.created and not is_glob(wanted) and len(self.created) < LIMIT and interval(wanted):
            self.created.append(wanted)
        for place, text in enumerate(self.created):
            if name(text):
                yield FIRST + place, self.name, "", "", (text,)

    def numbered(self, number: int) -> Probe | None:
        place = number - FIRST
        if 0 <= place < len(self.created):
            return Probe(number, self.name, "", "", self.created[place])
        return None

    def left_out(self, description: Description) -> Iterator[tuple[str, str]]:
        return iter(())

    def arguments(self, probe: Probe, types: TypeSource) -> tuple[ProbeArgument, ...]:
        return ()
