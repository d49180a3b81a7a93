"""How much memory there is."""

from __future__ import annotations


def available() -> int:
    """Bytes that can be had without swapping: MemAvailable of /proc/meminfo."""
    with open("/proc/meminfo") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo does not tell what is available")
