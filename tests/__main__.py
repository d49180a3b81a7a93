"""All tests, and one line at the end: ``python -m tests [KERNEL ...]`` (``make test``).

Lint and types; tests that run here; tests that boot guests; then, in one guest of each kernel, tests that attach.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from dtrace_py.lab.kernels import TESTED

_PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "junit_family=xunit1"]
_GUEST_SECONDS = "1200"


@dataclass(slots=True)
class Totals:
    """What all stages together came to."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def check(self, title: str, command: list[str]) -> None:
        """A stage that passes or fails as a whole."""
        if _run(title, command):
            self.failed += 1
        else:
            self.passed += 1

    def tests(self, title: str, command: list[str], results: Path) -> None:
        """A stage of many tests, which leaves its results in a file. Without one, or with no test in it, it has failed."""
        status = _run(title, command)
        counts = _counts(results) if results.exists() else None
        if counts is None or counts.passed + counts.failed == 0:
            print(f"{title}: no test ran (exit status {status})")
            self.failed += 1
            return
        self.passed += counts.passed
        self.skipped += counts.skipped
        # A guest that dies after its last test, or a broken test folder, is told by the status alone.
        self.failed += counts.failed or int(status != 0)


def _run(title: str, command: list[str]) -> int:
    print(f"== {title}", flush=True)
    began = time.monotonic()
    status = subprocess.call(command)
    print(
        f"== {title}: {'ok' if status == 0 else f'exit status {status}'}, {time.monotonic() - began:.0f} s", flush=True
    )
    return status


def _counts(results: Path) -> Totals:
    """The totals of a JUnit file."""
    counts = Totals()
    for suite in ElementTree.parse(results).getroot().iter("testsuite"):
        tests, failures, errors, skipped = (int(suite.attrib[k]) for k in ("tests", "failures", "errors", "skipped"))
        counts.passed += tests - failures - errors - skipped
        counts.failed += failures + errors
        counts.skipped += skipped
    return counts


def main(kernels: list[str]) -> int:
    """Run every stage, whatever the earlier ones came to. Returns 0 if nothing failed."""
    totals = Totals()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        totals.check("lint", [sys.executable, "-m", "ruff", "check", "."])
        totals.check("format", [sys.executable, "-m", "ruff", "format", "--check", "."])
        totals.check("types", [sys.executable, "-m", "mypy"])
        for name in ("unit", "golden", "boot"):
            results = Path(folder, f"{name}.xml")
            totals.tests(name, [*_PYTEST, f"tests/{name}", f"--junitxml={results}"], results)
        for kernel in kernels:
            results = Path(folder, f"{kernel}.xml")
            guest = [sys.executable, "-m", "dtrace_py.lab", "run", "--kernel", kernel, "--timeout", _GUEST_SECONDS]
            tests = [*_PYTEST, "tests/lab", "--durations=12", f"--junitxml={results}"]
            totals.tests(f"lab on {kernel}", [*guest, "--share", folder, "--", *tests], results)
    print(f"in {(time.monotonic() - began) / 60:.1f} minutes")
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return int(totals.failed != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(TESTED)))
