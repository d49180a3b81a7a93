"""``python -m tests.property`` (``make property``): expressions run and compared, clauses loaded, and what came of them."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click

from tests.property import batch, clauses
from tests.property.batch import Finding

EXPRESSIONS = 200
"""In a program."""

CLAUSES = (4, 16, 60)
"""In one program after the other: up to 8 are inlined, more are functions."""


@click.command()
@click.option("--expressions", default=100_000, show_default=True)
@click.option("--clauses", "clauses_", default=20_000, show_default=True)
@click.option("--seed", default=1, show_default=True, help="That of the first program; each next one has the next.")
def main(expressions: int, clauses_: int, seed: int) -> None:
    """Run random expressions against a reference in Python, and load random clauses; nothing is attached."""
    findings: list[Finding] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(-(-expressions // EXPRESSIONS)):
            findings += _told(batch.check(seed + number, EXPRESSIONS, Path(folder)))
            if number % 50 == 49:
                print(f"{(number + 1) * EXPRESSIONS} expressions, {len(findings)} findings", flush=True)
    number = loaded = 0
    while loaded < clauses_:
        count = CLAUSES[number % len(CLAUSES)]
        findings += _told(clauses.check(seed + number, count))
        number, loaded = number + 1, loaded + count
        if number % 50 == 0:
            print(f"{loaded} clauses, {len(findings)} findings", flush=True)
    seconds = time.monotonic() - began
    print(
        f"{expressions} expressions and {clauses_} clauses from seed {seed}: {len(findings)} findings in {seconds:.0f} s"
    )
    sys.exit(bool(findings))


def _told(findings: list[Finding]) -> list[Finding]:
    for finding in findings:
        print(f"seed {finding.seed}: {finding.what}", flush=True)
    return findings


main()
