"""The benchmark that anyone can run: ``python -m tests.bench`` (``make bench``).

Measures in guests of the lab, one after the other, or with ``--here`` on this machine's own kernel, which it then traces.
Writes a JSON file with every run for each part, then tables and plots of all that is in the folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from dtrace_py.lab import kernels
from tests.bench import peers, plots, tables
from tests.bench.parts import HERE, PLAN, Part, plan_here
from tests.bench.progress import say


def in_guest(part: Part) -> dict[str, Any]:
    """Measure a part in a guest of its own. Raises CalledProcessError when that failed; the guest has said why."""
    with tempfile.TemporaryDirectory() as folder:
        order, results = Path(folder, "part.json"), Path(folder, "results.json")
        order.write_text(json.dumps(asdict(part)))
        python = [sys.executable, "-m"]
        guest = ["dtrace_py.lab", "run", "--kernel", part.kernel, "--cpus", str(part.cpus), "--share", folder]
        # Loading comes on top of the rounds, and none of them is cut off.
        limit = ["--timeout", str(round(3 * part.seconds + 300)), "--"]
        inside = [*python, "tests.bench", "--inside", str(order), str(results)]
        subprocess.run([*python, *guest, *limit, *inside], check=True)
        measured: dict[str, Any] = json.loads(results.read_text())
    return measured


def inside(order: Path, results: Path) -> None:
    """The other end, in the guest."""
    fields: dict[str, Any] = json.loads(order.read_text())
    results.write_text(json.dumps(Part(**fields).measure()))


def run(plan: list[Part], output: Path) -> int:
    """Measure every part and write its file; returns how many failed."""
    failed, began = 0, time.monotonic()
    for part in plan:
        say(f"{part.name}, after {(time.monotonic() - began) / 60:.0f} minutes")
        try:
            results = part.measure() if part.kernel == HERE else in_guest(part)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            say(f"{part.name} failed: {error}")
            failed += 1
            continue
        results["command"] = " ".join(["python -m tests.bench", *sys.argv[1:]])
        (output / f"{part.name}.json").write_text(json.dumps(results, indent=1) + "\n")
        failed += any("failed" in row and row["mechanism"] == "dtpy" for row in results["rows"])
    say(f"{len(plan) - failed} of {len(plan)} parts in {(time.monotonic() - began) / 60:.1f} minutes")
    return failed


@click.command()
@click.option("--here", is_flag=True, help="Trace this machine's own kernel rather than guests'. Needs root.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(["frontend", "record", "teardown", "command"]),
    help="Leave out the others.",
)
@click.option("--kernel", type=click.Choice([HERE, *kernels.TESTED]), help="Only the parts on this kernel.")
@click.option("--cpus", type=click.IntRange(1), help="Only the parts with so many CPUs.")
@click.option("--rounds", type=click.IntRange(1), help="At most so many.")
@click.option("--sizes", help="Numbers of functions, such as 100,all.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/benchmarks"),
    show_default=True,
    help="The folder to write to.",
)
@click.option("--inside", "order", nargs=2, type=click.Path(path_type=Path), hidden=True)
def main(
    here: bool,
    only: tuple[str, ...],
    kernel: str | None,
    cpus: int | None,
    rounds: int | None,
    sizes: str | None,
    output: Path,
    order: tuple[Path, Path] | None,
) -> None:
    """Measure what a record costs, and what it takes to attach to many functions and to let go of them."""
    if order:
        inside(*order)
        return
    plan = [
        replace(
            part,
            rounds=rounds or part.rounds,
            sizes=tuple(sizes.split(",")) if sizes else part.sizes,
        )
        for part in (plan_here() if here else PLAN)
        if part.what in (only or (part.what,)) and kernel in (None, part.kernel) and cpus in (None, part.cpus)
    ]
    if not plan:
        raise click.UsageError("no part of the plan is like that")
    if any(part.suites for part in plan):
        peers.fetch()
    output.mkdir(parents=True, exist_ok=True)
    failed = run(plan, output)
    print(tables.write(output))
    plots.write(output)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
