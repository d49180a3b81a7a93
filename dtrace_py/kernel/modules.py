"""Which modules the kernel has."""

from __future__ import annotations

from pathlib import Path


def loaded(path: Path = Path("/proc/modules")) -> dict[str, str]:
    """Where each module is, as a text, by name: those whose initialization is over and which are not on their way out.

    Empty for a kernel without modules.
    """
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines)
    return {name: address for name, _, _, _, state, address, *_ in fields if state == "Live"}
