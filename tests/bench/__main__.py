"""Teardown of whole-kernel tracing against the kernel's own floor: ``python -m tests.bench`` (``make bench``).

In a guest of the lab, or with ``--here`` on this kernel. Each round measures, in turn, the floor (ftrace's function tracer
switched off: the same places patched, nothing else) and dtpy on entries, on returns and on both. Prints medians, and
writes every round as JSON to the file that --output names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import click

from dtrace_py.kernel.cpus import online
from dtrace_py.lab.guest import IN_LAB
from tests.lab.traced import floor, trace

PROGRAMS = {"entry": "fbt:::entry", "return": "fbt:::return", "entry and return": "fbt:::"}
_STARTED = 'BEGIN { printf("ready\\n"); }'


def measure(rounds: int) -> dict[str, Any]:
    """All rounds on this kernel. Seconds and cross-CPU calls."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            rows.append({"round": number, "what": "floor", "detach": asdict(floor())})
            for what, description in PROGRAMS.items():
                arguments = ["-q", "-n", _STARTED, "-n", f"{description} {{ @ = count(); }}"]
                report = trace(arguments, 2, Path(folder)).report
                rows.append({"round": number, "what": what, **report})
                _say(f"round {number + 1}: {what}: {report['detach']['seconds']:.2f} s")
    return {"kernel": os.uname().release, "cpus": len(online()), "rounds": rows}


def table(results: dict[str, Any]) -> str:
    """Medians, and their ratio to the floor's."""
    lines = [f"Linux {results['kernel']}, {results['cpus']} CPUs, medians", "", f"{'':18}{'probes':>8}{'attach s':>10}"]
    lines[-1] += f"{'detach s':>10}{'x floor':>9}{'xcalls':>8}{'x floor':>9}"
    rows = results["rounds"]
    base = _medians(rows, "floor", "detach")
    for what in ("floor", *PROGRAMS):
        seconds, xcalls = _medians(rows, what, "detach")
        line = f"{what:18}"
        if what == "floor":
            line += f"{'':18}"
        else:
            probes = next(row["probes"] for row in rows if row["what"] == what)
            line += f"{probes:8}{_medians(rows, what, 'attach')[0]:10.2f}"
        lines.append(line + f"{seconds:10.2f}{seconds / base[0]:9.2f}{xcalls:8.0f}{xcalls / max(1.0, base[1]):9.2f}")
    return "\n".join(lines)


def _medians(rows: list[dict[str, Any]], what: str, phase: str) -> tuple[float, float]:
    chosen = [row[phase] for row in rows if row["what"] == what]
    return median(each["seconds"] for each in chosen), median(each["xcalls"] for each in chosen)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@click.command()
@click.option("--here", is_flag=True, help="Measure this kernel rather than a guest's.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--cpus", type=click.IntRange(1), default=2, show_default=True, help="Of the guest.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write every round as JSON.")
def main(here: bool, rounds: int, cpus: int, output: Path | None) -> None:
    if here or IN_LAB in os.environ:
        results = measure(rounds)
    else:
        with tempfile.TemporaryDirectory() as folder:
            inside = Path(folder, "results.json")
            guest = [
                sys.executable,
                "-m",
                "dtrace_py.lab",
                "run",
                "--cpus",
                str(cpus),
                "--timeout",
                "3000",
                "--share",
                folder,
            ]
            bench = [sys.executable, "-m", "tests.bench", "--rounds", str(rounds), "--output", str(inside)]
            if status := subprocess.call([*guest, "--", *bench], stdout=subprocess.DEVNULL):
                sys.exit(status)
            results = json.loads(inside.read_text())
    if output:
        output.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
