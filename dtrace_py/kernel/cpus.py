"""The CPUs, and what they are interrupted for."""

from __future__ import annotations

from pathlib import Path

_CPUS = "/sys/devices/system/cpu"


def parse_list(text: str) -> list[int]:
    """The numbers in a kernel CPU list such as ``0-3,8``."""
    numbers: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def online() -> list[int]:
    """The CPUs that run now."""
    return parse_list(_read("online"))


def possible() -> int:
    """How many CPUs per-CPU maps have values for."""
    return parse_list(_read("possible"))[-1] + 1


def places() -> tuple[tuple[int, int], ...]:
    """Chip and NUMA node of each CPU; 0 for what the kernel does not tell."""
    return tuple((_chip(cpu), _node(cpu)) for cpu in range(possible()))


def _chip(cpu: int) -> int:
    try:
        return max(0, int(_read(f"cpu{cpu}/topology/physical_package_id")))
    except OSError:  # it is offline
        return 0


def _node(cpu: int) -> int:
    found = (path.name.removeprefix("node") for path in Path(_CPUS, f"cpu{cpu}").glob("node[0-9]*"))
    return next((int(number) for number in found if number.isdigit()), 0)


def _read(name: str) -> str:
    with open(f"{_CPUS}/{name}") as file:
        return file.read()


def cross_calls() -> int:
    """Function call interrupts of all CPUs since boot: the CAL row of /proc/interrupts. 0 where there is none."""
    with open("/proc/interrupts") as file:
        for line in file:
            if line.lstrip().startswith("CAL:"):
                return sum(int(word) for word in line.split() if word.isdigit())
    return 0
