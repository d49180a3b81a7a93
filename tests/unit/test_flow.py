"""Flow indentation (contract 9.2), record by record."""

from __future__ import annotations

from dtrace_py.consumer.flow import FlowIndent
from dtrace_py.providers.probe import Probe

OPEN = Probe(1, "fbt", "vmlinux", "open", "entry"), Probe(2, "fbt", "vmlinux", "open", "return")
READ = Probe(3, "syscall", "vmlinux", "read", "entry"), Probe(4, "syscall", "vmlinux", "read", "return")
TICK = Probe(5, "profile", "", "", "tick-1s")


def flow(*records: tuple[int, Probe], cpu: int = 0) -> list[str]:
    """The text of each record, given as enabling and probe."""
    indent = FlowIndent()
    following = [*records[1:], None]
    prefixes = [indent.prefix(cpu, *record, then) for record, then in zip(records, following, strict=True)]
    assert all(prefix == f"{prefix.rstrip():<46}" for prefix in prefixes)
    return [prefix[4:].rstrip() for prefix in prefixes]


def test_entries_indent_and_returns_undo_it() -> None:
    """U12 to U14."""
    records = (1, READ[0]), (2, OPEN[0]), (3, TICK), (4, OPEN[1]), (5, READ[1])
    assert flow(*records) == [" => read", "   -> open", "    | :tick-1s", "   <- open", " <= read"]


def test_indentation_does_not_become_negative() -> None:
    """U13."""
    assert flow((1, OPEN[1]), (2, OPEN[0])) == [" <- open", " -> open"]


def test_further_enablings_of_a_firing_are_others() -> None:
    """U15."""
    records = (1, OPEN[0]), (2, OPEN[0]), (3, OPEN[1]), (4, OPEN[1])
    assert flow(*records) == [" -> open", "  | open:entry", "  | open:return", " <- open"]


def test_the_same_enabling_again_is_another_entry() -> None:
    """U15."""
    assert flow((1, OPEN[0]), (1, OPEN[0])) == [" -> open", "   -> open"]


def test_each_cpu_has_its_own_indentation() -> None:
    """U16."""
    indent = FlowIndent()
    indent.prefix(0, 1, OPEN[0], None)
    assert indent.prefix(1, 1, OPEN[0], None).startswith("  1  -> open")
    assert indent.prefix(0, 1, OPEN[0], None).startswith("  0    -> open")
