"""Flow indentation: which records are entries, which returns, and how far in they stand (contract 9.2)."""

from __future__ import annotations

from dataclasses import dataclass

from dtrace_py.providers.probe import Probe

HEADING = f"{'CPU':>3} {'FUNCTION':<41}\n"


@dataclass(slots=True)
class _Cpu:
    indent: int = 0
    last: tuple[int, Probe] | None = None
    """Enabling and probe of the record before."""


class FlowIndent:
    """The state of every CPU (U16)."""

    def __init__(self) -> None:
        self._cpus: dict[int, _Cpu] = {}

    def prefix(self, cpu: int, enabling: int, probe: Probe, following: tuple[int, Probe] | None) -> str:
        """What stands before the data of a record; ``following`` is the record after it, if it is known."""
        state = self._cpus.setdefault(cpu, _Cpu())
        kind = _kind(probe.name)
        # Several enablings of one firing: only the first entry indents, only the last return undoes it (U15).
        if (kind == "entry" and _same_firing(state.last, enabling, probe)) or (
            kind == "return" and _same_firing(following, enabling, probe)
        ):
            kind = "other"
        state.last = enabling, probe
        if kind == "return":
            state.indent = max(state.indent - 2, 0)
        text = f"{'':{state.indent}}{_text(kind, probe)}"
        if kind == "entry":
            state.indent += 2
        return f"{cpu:>3} {text:<41} "


def _kind(name: str) -> str:
    for kind in ("entry", "return"):
        if name == kind or name.endswith(f"-{kind}"):
            return kind
    return "other"


def _text(kind: str, probe: Probe) -> str:
    if kind == "other":
        return f"| {probe.function}:{probe.name}"
    shaft = "=" if probe.provider == "syscall" else "-"
    return f" {shaft}> {probe.function}" if kind == "entry" else f" <{shaft} {probe.function}"


def _same_firing(neighbour: tuple[int, Probe] | None, enabling: int, probe: Probe) -> bool:
    """Whether a neighbouring record is of another enabling of the same probe."""
    return neighbour is not None and neighbour[0] != enabling and neighbour[1] == probe
