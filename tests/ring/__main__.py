"""The long stress of bpf/ring.h: ``python -m tests.ring [MILLIONS]`` (``make soak``), so many records for each policy."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.ring.programs import POLICIES, SANITIZERS, build, run

_SLOWER = {"no": 1, "thread": 10, "address,undefined": 5}
"""A sanitized program gets one part in so many of the records."""

_STRIDES = {"no": 11, "address,undefined": 101}


def main(millions: int) -> None:
    """Storms, then single steps, of all policies; prints a line for each. Raises at the first thing that is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        for policy in POLICIES:
            for sanitizer in SANITIZERS:
                storm = build(Path(folder), "storm", policy, sanitizer)
                _tell("storm", policy, sanitizer, storm, millions * 10**6 // _SLOWER[sanitizer])
            for sanitizer, stride in _STRIDES.items():
                steps = build(Path(folder), "steps", policy, sanitizer)
                _tell("steps", policy, sanitizer, steps, stride)


def _tell(what: str, policy: str, sanitizer: str, program: Path, amount: int) -> None:
    began = time.monotonic()
    figures = ", ".join(f"{number:,} {name}" for name, number in run(program, amount).items())
    print(f"{what}, {policy}, {sanitizer} sanitizer, {time.monotonic() - began:.0f} s: {figures}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
