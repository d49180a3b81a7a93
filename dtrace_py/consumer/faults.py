"""Faults and drops in words (contract 4.3, U56 to U62)."""

from __future__ import annotations

from dtrace_py.providers.probe import Probe

FAULTS = {
    0: "unknown fault",
    1: "invalid address",
    2: "invalid alignment",
    3: "illegal operation",
    4: "divide-by-zero",
    5: "out of scratch space",
    6: "invalid kernel access",
    7: "invalid user access",
    8: "tuple stack overflow",
    9: "bad stack",
    10: "invalid size",
    11: "index out of bounds",
    1000: "library-level fault",
}
"""By number (F0 to F12)."""

_DETAILS = {1: "#x", 2: "#x", 9: "#x", 10: "#x", 11: "d"}
"""How the value that comes with some of them is shown."""

_BADINDEX = 11


def fault_message(epid: int, probe: Probe, action: int, code: int, value: int) -> str:
    """What the consumer says of a fault (F23)."""
    if code == _BADINDEX:
        value = value - (1 << 64) if value >> 63 else value
    details = f" ({value:{_DETAILS[code]}})" if code in _DETAILS else ""
    where = f"action #{action}" if action else "predicate"
    text = FAULTS.get(code, FAULTS[0])
    return library_message(epid, probe, f"{text}{details} in {where}")


def library_message(epid: int, probe: Probe, text: str) -> str:
    """What it says of an action of its own that it cannot do (F25)."""
    return f"error on enabled probe ID {epid} (ID {probe.id}: {probe.title}): {text}"


def drop_message(kind: str, count: int, cpu: int | None, tagged: bool) -> str:
    """What it says of lost data; ``kind`` is one of the tags of U62."""
    plural = "" if count == 1 else "s"
    where = "" if cpu is None else f" on CPU {cpu}"
    tag = f"[DTRACEDROP_{kind}] " if tagged else ""
    what = {
        "PRINCIPAL": f"drop{plural}",
        "AGGREGATION": f"aggregation drop{plural}",
        "DYNAMIC": f"dynamic variable drop{plural}",
        "SPEC": f"speculative drop{plural}",
        "SPECBUSY": f"failed speculation{plural} (available buffer(s) still busy)",
        "SPECUNAVAIL": f"failed speculation{plural} (no speculative buffer available)",
        "STKSTROVERFLOW": f"jstack()/ustack() string table overflow{plural}",
        "DBLERROR": f"error{plural} in ERROR probe enabling",
    }[kind]
    return f"{tag}{count} {what}{where}"
