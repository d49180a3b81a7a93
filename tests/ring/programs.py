"""Compiling and running storm.c and steps.c."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent
RING = FOLDER.parent.parent / "bpf" / "ring.h"

POLICIES = {"switch": [], "fill": ["-DRING_FILLS"], "ring": ["-DRING_OVERWRITES"]}

SANITIZERS = {
    "no": [],
    "thread": ["-fsanitize=thread", "-DORDERED"],
    "address,undefined": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
}

_FLAGS = "-O2 -g -Wall -Werror -Wno-unknown-pragmas -Wno-unused-function -pthread".split()


class Wrong(AssertionError):
    """What a program has found to be wrong."""


def build(folder: Path, program: str, policy: str, sanitizer: str, ring: str | None = None) -> Path:
    """Compile one of the programs into a folder, with another text in place of ring.h if there is one."""
    made = folder / f"{program}-{policy}-{sanitizer}"
    (folder / "ring.h").write_text(RING.read_text() if ring is None else ring)
    command = ["gcc", *_FLAGS, *POLICIES[policy], *SANITIZERS[sanitizer], "-iquote", str(folder)]
    subprocess.run([*command, str(FOLDER / f"{program}.c"), "-o", str(made)], check=True)
    return made


def run(program: Path, amount: int) -> dict[str, int]:
    """Run a program and return its figures. Raises Wrong."""
    # gcc 12's thread sanitizer does not cope with as much randomness in addresses as newer kernels have.
    done = subprocess.run(["setarch", "-R", str(program), str(amount)], capture_output=True, text=True)
    if done.returncode:
        raise Wrong(f"{program.name}: {done.stdout[-500:]}{done.stderr[-3000:]}")
    figures: dict[str, int] = json.loads(done.stdout)
    return figures
