"""Printing what a dump holds, in the layout that the tracing itself would have printed it in."""

from __future__ import annotations

from collections.abc import Callable

from dtrace_py.consumer.consumer import Consumer
from dtrace_py.consumer.faults import drop_message
from dtrace_py.consumer.store import Store
from dtrace_py.consumer.style import Style
from dtrace_py.errors import DtpyError, counted
from dtrace_py.options import Options
from dtrace_py.output.aggregations import Order
from dtrace_py.output.sink import Sink
from dtrace_py.output.values import Lookup
from dtrace_py.postmortem.box import DamagedBox
from dtrace_py.postmortem.core import read_dump
from dtrace_py.postmortem.salvage import readable
from dtrace_py.postmortem.search import Found, find


def read(path: str) -> list[Found | DamagedBox]:
    """The tracings in a dump, in the order of their process ids. Raises DtpyError when there is none to be read."""
    found = list(find(read_dump(path)))
    if not found:
        raise DtpyError(
            f"{path} holds no ring of dtpy: nothing was being traced, or the machine's memory is not all there"
        )
    return found


def show(found: list[Found | DamagedBox], options: Options, sink: Sink, complain: Callable[[str], object]) -> int:
    """Print every tracing's records, and on standard error whose they are. Returns the exit status."""
    shown = 0
    for each in found:
        if isinstance(each, DamagedBox):
            complain(f"a tracing cannot be read: {each}")
            continue
        try:
            _show(each, options, sink, complain)
            shown += 1
        except DtpyError:
            raise
        except Exception:
            # A dump may come from anywhere. That formats and fields do not fit together shows only when they are used.
            complain("a tracing cannot be read: its records are not what it says they are")
    return 0 if shown else 1


def _show(found: Found, options: Options, sink: Sink, complain: Callable[[str], object]) -> None:
    box, about = found.box, found.box.about
    complain(f"Linux {about.release}, process {about.pid}: {_one_line(about.command)}")
    if box.aggregations:
        complain(f"{counted(len(box.aggregations), 'aggregation')} not in the rings, and so not printed")
    rings, lost = readable(box, found.rings)
    # Where the symbols were is only in the dead kernel: addresses are printed as numbers.
    lookup = Lookup(_unknown)
    store = Store([], lookup, lambda: Order(False, False, 0, 0), lambda: 0)
    consumer = Consumer(box.unit, box.plan, rings, store, sink, lookup, complain, options)
    style = Style(
        about.quiet or options.flag("quiet"),
        about.flowindent or options.flag("flowindent"),
        options.number("stackindent"),
        options.flag("rawbytes"),
    )
    consumer.consume(range(about.cpus), style, lambda: False)
    for cpu, each in enumerate(lost):
        complain(f"{counted(consumer.consumed[cpu], 'record')} on CPU {cpu}")
        if each.unfinished:
            complain(f"{counted(each.unfinished, 'record')} unfinished on CPU {cpu}")
        if each.unreadable:
            complain(f"{counted(each.unreadable, 'byte')} unreadable on CPU {cpu}")
        if not rings.read_at_end and (dropped := rings.dropped(cpu)):  # else it was meant to (X22)
            complain(drop_message("PRINCIPAL", dropped, cpu, tagged=False))


def _one_line(text: str) -> str:
    """A command line as part of a message; nothing in it may reach the terminal as a command to that."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))


def _unknown(_: int) -> None:
    return None
