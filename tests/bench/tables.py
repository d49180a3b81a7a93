"""The tables of docs/benchmarks: medians of what the parts' files hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.command import NONE
from tests.bench.results import Row, groups, load, middle
from tests.bench.transports import BARE, OURS, OURS_AGAIN, PEERS, PRINTK

_HEAD = """# Benchmarks

`make bench` wrote this, the plots and the JSON files beside them, which hold every run, the kernel, the versions and the command.
In guests under emulation times are 10 to 20 times what they are on a real machine: compare rows with each other.
"""

_RECORD = """## What a record costs

Nanoseconds for a record of 48 bytes, by `BPF_PROG_TEST_RUN`, with nothing attached; a reader takes the records out meanwhile.
"over" is what is left when the timestamp in the record is taken off, which alone costs what the first row says. dtpy's figure is
a whole firing: gate, finding the ring, and accounts included. Of the peers it is only the record, with wake-ups switched off.
CPUs are how many write at the same time; "busy" is the part of the time they spent writing, and the reader needs a CPU too.
"""

_TEARDOWN = """## Attaching to many functions, and letting go

Within one process, programs loaded already, the mechanisms in turns. xcalls are function call interrupts, which CPUs send each
other. The floor is ftrace's function tracer, which patches the same places and does nothing else. Without a filter, for "all",
it takes the few functions more that dtpy leaves alone.
"""

_COMMAND = """## As a user meets it

The same counting program by dtpy and bpftrace, timed from outside: from the start until all is attached (compiling included),
what of that is more than the same command takes to start with no function to attach to, and
from Ctrl-C until the last result is printed and until the command has ended. xcalls are from Ctrl-C to the end.
bpftrace 0.17 is left out at all functions: with its first link live, the second was not attached after 100 seconds.
"""

_FRONTEND = """## Compiling

Milliseconds, in rounds over all of these: the whole command from outside, and in it what the front end takes, from the text to
the checked program: the first time, with the import of its modules, and again in the same process. hundred.d is a hundred lines
that name no kernel type, so BTF is not read; kernel_types.d does name some.
"""

_INSIDE = ("inert_seconds", "results_seconds", "prompt_seconds", "restored_seconds")
"""What dtpy reports of itself, counted from Ctrl-C."""


def write(folder: Path) -> str:
    """Write README.md into the folder, from all files that are there; returns its text."""
    lines = [_HEAD]
    for what, text, table in (
        ("frontend", _FRONTEND, _frontend),
        ("record", _RECORD, _record),
        ("teardown", _TEARDOWN, _teardown),
        ("command", _COMMAND, _command),
    ):
        files = load(folder, what)
        if files:
            lines += [text]
        for each in files:
            lines += [_title(each), "", *table(each), ""]
    text = "\n".join(lines)
    (folder / "README.md").write_text(text)
    return text


def _title(file: dict[str, Any]) -> str:
    native = "" if file["part"]["attaches"] else ", native, nothing attached"
    return f"### Linux {file['kernel']}, {file['online']} CPUs{native}\n\n{file['processor']}; {file['date']}; bcc {file['bcc']}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(map(str, row)) + " |"


def _frontend(file: dict[str, Any]) -> Iterator[str]:
    body = []
    for (name,), rows in groups(file["rows"], "command"):
        figures = [1000 * min(row["seconds"] for row in rows), 1000 * middle(rows, "seconds")]
        figures += [1000 * middle(rows, each) for each in ("first", "again") if each in rows[0]]
        body.append([name, *(f"{figure:.1f}" for figure in figures), *[""] * (4 - len(figures)), len(rows)])
    yield from _table(["", "best", "median", "front end first", "again", "runs"], body)


def _record(file: dict[str, Any]) -> Iterator[str]:
    titles = {transport.name: transport.title for transport in (BARE, OURS, OURS_AGAIN, *PEERS, PRINTK)}
    by_width = {width: rows for (width,), rows in groups(file["rows"], "cpus")}
    body = []
    for width, rows in by_width.items():
        figures = {
            name: (min(r["best"] for r in some), middle(some, "median")) for (name,), some in groups(rows, "transport")
        }
        busy = {name: middle(some, "busy") for (name,), some in groups(rows, "transport")}
        base = figures[BARE.name]
        ours = figures[OURS.name][1] - base[1]
        for name, (best, usual) in figures.items():
            over = usual - base[1]
            more = [f"{best - base[0]:.1f}", f"{over:.1f}", f"{over / ours:.1f}"] if name != BARE.name else ["", "", ""]
            runs = len(rows) // len(figures)
            body.append([titles[name], width, f"{best:.1f}", f"{usual:.1f}", *more, f"{busy[name]:.0%}", runs])
    head = ["", "CPUs", "best ns", "median ns", "best over", "median over", "× dtpy", "busy", "runs"]
    yield from _table(head, body)


def _teardown(file: dict[str, Any]) -> Iterator[str]:
    floors = {(kind, size): rows for (name, kind, size), rows in _cells(file) if name == "floor"}
    most = {
        kind: max(row["probes"] for row in file["rows"] if row["kind"] == kind)
        for kind in {r["kind"] for r in file["rows"]}
    }
    body = []
    for (name, kind, size), rows in _cells(file):
        probes = rows[0]["probes"]
        attach, detach, xcalls = (
            middle(rows, *path) for path in (("attach", "seconds"), ("detach", "seconds"), ("detach", "xcalls"))
        )
        floor = floors.get((kind, size))
        ratios = ["", ""]
        if floor and name != "floor":
            ratios = [
                f"{detach / middle(floor, 'detach', 'seconds'):.2f}",
                f"{xcalls / max(1, middle(floor, 'detach', 'xcalls')):.2f}",
            ]
        body.append(
            [
                name,
                kind,
                f"{probes:,}",
                f"{attach:.2f}",
                f"{detach:.3f}",
                ratios[0],
                f"{xcalls:,.0f}",
                ratios[1],
                len(rows),
                "",
            ]
        )
        if size == "sample":
            scale = most[kind] / probes
            figures = [f"{attach * scale:,.0f}", f"{detach * scale:,.0f}", "", f"{xcalls * scale:,.0f}", ""]
            body.append([name, kind, f"{most[kind]:,}", *figures, len(rows), f"from {probes}"])
    head = ["", "probes at", "probes", "attach s", "let go s", "× floor", "xcalls", "× floor", "runs", "extrapolated"]
    yield from _table(head, body)


def _command(file: dict[str, Any]) -> Iterator[str]:
    rows = [row for row in file["rows"] if "failed" not in row]
    failures = [row for row in file["rows"] if "failed" in row]
    file = {**file, "rows": rows}
    names = [name for name in _INSIDE if all(row["report"] is None or name in row["report"] for row in rows)]
    start = {name: middle(rows, "attach", "seconds") for (name, kind, _), rows in _cells(file) if kind == NONE}
    body = []
    for (name, kind, size), rows in _cells(file):
        attach, results, end, xcalls = (
            middle(rows, *path)
            for path in (("attach", "seconds"), ("results_seconds",), ("detach", "seconds"), ("detach", "xcalls"))
        )
        reports = [row["report"] for row in rows]
        inner = [f"{middle(reports, each):.4g}" if reports[0] else "" for each in ("probes", *names)]
        own = f"{middle(reports, 'attach', 'seconds'):.2f}" if reports[0] else ""
        over = f"{attach - start[name]:.1f}" if name in start and kind != NONE else ""
        # Without functions there are no results, and bpftrace ends by itself.
        ends = [f"{results:.2f}", f"{end:.2f}", f"{xcalls:,.0f}"] if kind != NONE else ["", "", ""]
        row = [name, kind, size, inner[0], f"{attach:.1f}", over, own, *ends]
        body.append([*row, *inner[1:], len(rows)])
    head = [
        "",
        "probes at",
        "functions",
        "probes",
        "attached s",
        "over start",
        "of it attaching",
        "results s",
        "end s",
        "xcalls",
    ]
    yield from _table([*head, *(name.replace("_seconds", " s") for name in names), "runs"], body)
    for row in failures:
        yield f"\n{row['mechanism']}, {row['kind']}, {row['size']} did not work: {row['failed']}"


def _cells(file: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    """Runs of the same thing, sorted by size within each kind."""
    order = [NONE, "100", "1000", "10000", "all", "sample"]
    kinds = [NONE, "entry", "return", "both"]
    cells = list(groups(file["rows"], "mechanism", "kind", "size"))
    yield from sorted(cells, key=lambda cell: (kinds.index(cell[0][1]), order.index(cell[0][2])))
