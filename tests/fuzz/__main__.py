"""``python -m tests.fuzz`` (``make fuzz``): a million inputs, and what came of them."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import click

from tests.bench.parts import environment
from tests.fuzz.harness import MEGABYTES, SECONDS, Finding, Result, run, run_apart, shorter, warm_up

CHUNK = 5_000


@click.command()
@click.option("--inputs", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--first", default=0, help="The number of the first input.")
@click.option("--only", type=int, help="Only this input, and show it.")
@click.option("--output", type=click.Path(path_type=Path), help="Write what came of it as JSON.")
def main(inputs: int, seed: int, first: int, only: int | None, output: Path | None) -> None:
    """Compile made-up programs, and report tracebacks, hangs and floods."""
    if only is not None:
        print(shorter(seed, only))
        for finding in run(seed, only, 1).findings:
            print(finding.trace)
        return
    warm_up()
    result, began = Result(), time.monotonic()
    for start in range(first, first + inputs, CHUNK):
        result.add(run_apart(seed, start, min(CHUNK, first + inputs - start)))
        if result.inputs % (10 * CHUNK) == 0:
            print(f"{result.inputs} inputs, {len(result.findings)} findings", flush=True)
    seconds = time.monotonic() - began
    print(f"{result.inputs} inputs in {seconds:.0f} s, seed {seed}: {len(result.findings)} findings")
    print(f"slowest {result.slowest:.2f} s (input {result.slowest_number}), at most {result.megabytes} MB")
    print(f"accepted {result.outcomes['accepted']}, {len(result.outcomes)} different outcomes")
    for finding, times in _distinct(result.findings):
        print(f"\n{times} x {finding.what}: --seed {seed} --only {finding.number}\n{finding.trace}")
    if output:
        _write(output, seed, first, result)
    sys.exit(bool(result.findings))


def _distinct(findings: list[Finding]) -> list[tuple[Finding, int]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.what, []).append(finding)
    return [(min(each, key=lambda one: len(one.text)), len(each)) for each in found.values()]


def _write(path: Path, seed: int, first: int, result: Result) -> None:
    rows = {
        **{key: value for key, value in environment().items() if key not in ("bcc", "online")},
        "cpus": os.cpu_count(),
        "seed": seed,
        "first": first,
        "inputs": result.inputs,
        "seconds": round(result.seconds),
        "bounds": {"seconds": SECONDS, "megabytes": MEGABYTES},
        "slowest": round(result.slowest, 3),
        "megabytes": result.megabytes,
        "findings": [finding.what for finding in result.findings],
        "kinds": dict(result.kinds.most_common()),
        "outcomes": dict(result.outcomes.most_common()),
    }
    path.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
