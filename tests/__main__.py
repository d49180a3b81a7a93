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
_GUEST_SECONDS = "2400"


@dataclass(slots=True)
class Totals:
    """What all stages together came to."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, stage: Stage) -> None:
        """Wait for a stage, show what it said, and count it."""
        stage.finish()
        if stage.results is None:  # it passes or fails as a whole
            self.passed += stage.status == 0
            self.failed += stage.status != 0
            return
        # Without results, or with no test in them, it has failed.
        counts = _counts(stage.results) if stage.results.exists() else None
        if counts is None or counts.passed + counts.failed == 0:
            print(f"{stage.title}: no test ran (exit status {stage.status})")
            self.failed += 1
            return
        self.passed += counts.passed
        self.skipped += counts.skipped
        # A guest that dies after its last test, or a broken test folder, is told by the status alone.
        self.failed += counts.failed or int(stage.status != 0)


class Stage:
    """A command that is running. With ``aside`` its output is kept until it is waited for, because others run meanwhile."""

    def __init__(self, title: str, command: list[str], results: Path | None = None, aside: bool = False) -> None:
        self.title = title
        self.results = results
        self.status = 0
        self._began = time.monotonic()
        if not aside:
            print(f"== {title}", flush=True)
        self._output = tempfile.TemporaryFile() if aside else None  # noqa: SIM115 - closed by finish
        self._process = subprocess.Popen(command, stdout=self._output, stderr=subprocess.STDOUT if aside else None)

    def finish(self) -> None:
        """Wait for its end."""
        self.status = self._process.wait()
        seconds = time.monotonic() - self._began
        if self._output:
            print(f"== {self.title}", flush=True)
            self._output.seek(0)
            sys.stdout.buffer.write(self._output.read())
            self._output.close()
        print(
            f"== {self.title}: {'ok' if self.status == 0 else f'exit status {self.status}'}, {seconds:.0f} s",
            flush=True,
        )


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
    """Run every stage, whatever the earlier ones came to. Returns 0 if nothing failed.

    What boots guests only to see them run takes turns with nobody: it runs beside what needs no guest. The guests in which
    kernels are traced have the machine to themselves, because times are measured there.
    """
    totals = Totals()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:

        def tests(name: str, aside: bool = False) -> Stage:
            results = Path(folder, f"{name}.xml")
            return Stage(name, [*_PYTEST, f"tests/{name}", f"--junitxml={results}"], results, aside)

        boot = tests("boot", aside=True)
        totals.add(Stage("lint", [sys.executable, "-m", "ruff", "check", "."]))
        totals.add(Stage("format", [sys.executable, "-m", "ruff", "format", "--check", "."]))
        totals.add(Stage("types", [sys.executable, "-m", "mypy"]))
        totals.add(tests("unit"))
        totals.add(tests("golden"))
        totals.add(boot)
        for kernel in kernels:
            results = Path(folder, f"{kernel}.xml")
            guest = [sys.executable, "-m", "dtrace_py.lab", "run", "--kernel", kernel, "--timeout", _GUEST_SECONDS]
            command = [*_PYTEST, "tests/lab", "--durations=30", f"--junitxml={results}"]
            totals.add(Stage(f"lab on {kernel}", [*guest, "--share", folder, "--", *command], results))
    print(f"in {(time.monotonic() - began) / 60:.1f} minutes")
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return int(totals.failed != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(TESTED)))
