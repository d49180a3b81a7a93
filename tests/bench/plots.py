"""The plots of docs/benchmarks, as SVG. They need matplotlib, the extra ``bench`` of pyproject.toml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.progress import say
from tests.bench.results import Row, groups, load, middle
from tests.bench.transports import BARE, OURS, OURS_AGAIN, PEERS, PRINTK

_COLOURS = {"dtpy": "#c0392b", "floor": "#555555", "bcc": "#2471a3", "fentry": "#7d3c98", "bpftrace 0.17": "#b9770e"}
_OTHER = "#1e8449"
_KIND = ("both", "entry")
"""The kind of probes that is drawn: the first that was measured."""


def write(folder: Path) -> None:
    """Draw everything that the files in the folder allow."""
    try:
        import matplotlib
    except ImportError:
        say("no plots: matplotlib is missing (pip install '.[bench]')")
        return
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "dtpy", "font.size": 9, "axes.grid": True})
    commands = {(each["kernel"], each["online"]): each for each in load(folder, "command")}
    for each in load(folder, "teardown"):
        key = each["kernel"], each["online"]
        figure = _teardown(each, commands.get(key))
        _save(figure, folder / f"teardown-{each['part']['kernel']}-{each['online']}cpus.svg")
    for each in load(folder, "record"):
        _save(_record(each), folder / f"{_stem(each)}.svg")


def _stem(file: dict[str, Any]) -> str:
    kernel = file["part"]["kernel"] if file["part"]["attaches"] else "native"
    return f"record-{kernel}-{file['online']}cpus"


def _teardown(file: dict[str, Any], command: dict[str, Any] | None) -> Any:
    """Seconds and xcalls of letting go against the number of probes; dashes where one-by-one figures are extrapolated."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 3.6), layout="constrained")
    kind = next(kind for kind in _KIND if any(row["kind"] == kind for row in file["rows"]))
    here = [row for row in file["rows"] if row["kind"] == kind or row["mechanism"].startswith("fentry")]
    probes = {size: rows[0]["probes"] for (name, size), rows in groups(here, "mechanism", "size") if name == "dtpy"}
    outside = [row for row in command["rows"] if row["kind"] == kind and "failed" not in row] if command else []
    for axes, path, title in zip(
        figure.subplots(1, 2), (("detach", "seconds"), ("detach", "xcalls")), ("seconds", "xcalls"), strict=True
    ):
        for (name,), rows in groups(here, "mechanism"):
            points = [
                (probes.get(size) or some[0]["probes"], middle(some, *path)) for (size,), some in groups(rows, "size")
            ]
            axes.plot(*zip(*sorted(points), strict=True), marker="o", color=_colour(name), label=_label(name))
            if "one by one" in name:
                (count, value), most = points[0], max(probes.values())
                axes.plot([count, most], [value, value * most / count], linestyle="--", color=_colour(name))
        for (name,), rows in groups(outside, "mechanism"):
            points = [
                (probes.get(size) or some[0]["report"]["probes"], middle(some, *path))
                for (size,), some in groups(rows, "size")
            ]
            style = {"marker": "s", "linestyle": ":", "color": _colour(name)}
            axes.plot(*zip(*sorted(points), strict=True), **style, label=f"{name}, Ctrl-C to exit")
        axes.set(xscale="log", yscale="log", xlabel="probes", title=f"letting go: {title}")
    what = {"both": "entry and return", "entry": "entry"}[kind]
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=7)
    figure.suptitle(f"Linux {file['kernel']}, {file['online']} CPUs, {what}; dashed: extrapolated", fontsize=9)
    return figure


def _label(name: str) -> str:
    names = {
        "floor": "ftrace's floor",
        "dtpy": "dtpy, letting go alone",
        "fentry, one by one": "fentry, one by one, entry",
    }
    return names.get(name, name)


def _colour(name: str) -> str:
    return next((colour for start, colour in _COLOURS.items() if name.startswith(start)), _OTHER)


def _record(file: dict[str, Any]) -> Any:
    """Nanoseconds over the timestamp, a bar a transport and width."""
    from matplotlib.figure import Figure

    titles = {transport.name: transport.title for transport in (OURS, OURS_AGAIN, *PEERS, PRINTK)}
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    widths = dict(groups(file["rows"], "cpus"))
    for place, ((width,), rows) in enumerate(widths.items()):
        values = _over(rows)
        names = [titles[name] for name in values]
        at = [n + 0.8 * (place + 0.5) / len(widths) - 0.4 for n in range(len(names))]
        bars = axes.barh(at, list(values.values()), height=0.8 / len(widths), label=f"{width} CPU{'s' * (width > 1)}")
        axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=2)
        axes.set_yticks(range(len(names)), names)
    axes.margins(x=0.1)
    axes.invert_yaxis()
    axes.set(xlabel="ns a record over the bare timestamp, median")
    axes.grid(axis="y", visible=False)
    axes.legend(fontsize=7)
    return figure


def _over(rows: Sequence[Row]) -> dict[str, float]:
    medians = {name: middle(some, "median") for (name,), some in groups(rows, "transport")}
    return {name: value - medians[BARE.name] for name, value in medians.items() if name != BARE.name}


def _save(figure: Any, path: Path) -> None:
    # Without a date: the same figures give the same file.
    figure.savefig(path, format="svg", metadata={"Date": None})
