"""Copies of bpftrace to compare with: fetched with apt into the lab's cache, complete with their libraries, never installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dtrace_py.lab.kernels import cache_dir

SUITES = ("bookworm", "sid")
"""Debian's releases whose bpftrace is measured: the one that dtpy is developed on, and the newest."""

_MIRROR = "http://deb.debian.org/debian"
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True, slots=True)
class Peer:
    """A bpftrace, and the tree it was unpacked into."""

    suite: str
    tree: Path

    @property
    def command(self) -> list[str]:
        """The start of its command line: its own loader, so that it finds its own libraries."""
        libraries = [self.tree / "lib/x86_64-linux-gnu", self.tree / "usr/lib/x86_64-linux-gnu"]
        loader = next(path for each in libraries if (path := each / "ld-linux-x86-64.so.2").exists())
        return [str(loader), "--library-path", ":".join(map(str, libraries)), str(self.tree / "usr/bin/bpftrace")]

    def version(self) -> str:
        """As it says itself. Raises OSError or CalledProcessError if it does not run."""
        said = subprocess.run([*self.command, "--version"], check=True, capture_output=True, text=True).stdout
        return said.strip().replace("bpftrace v", "bpftrace ")


def available() -> list[Peer]:
    """The copies that are in the cache."""
    return [Peer(tree.name, tree) for tree in sorted(_root().glob("[!.]*"))]


def fetch() -> None:
    """Fetch what is missing. What cannot be had is told, and left out of the comparison."""
    for suite in SUITES:
        if not (_root() / suite).exists():
            try:
                _fetch(suite)
            except (OSError, StopIteration, subprocess.SubprocessError) as error:
                said = getattr(error, "stderr", "") or str(error)
                print(f"bench: no bpftrace of Debian {suite}: {said.strip().splitlines()[-1]}", file=sys.stderr)


def _root() -> Path:
    return cache_dir() / "peers"


def _fetch(suite: str) -> None:
    """Download bpftrace and all that it depends on, and unpack it. A half-unpacked tree is never seen."""
    _root().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_root(), prefix=f".{suite}-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # apt downloads as a user of its own
        apt = _apt(folder, suite)
        _run([*apt, "update"])
        _run([*apt, "--download-only", "--yes", "install", "bpftrace"])
        tree = folder / "tree"
        for package in sorted(folder.glob("archives/*.deb")):
            _run(["dpkg-deb", "--extract", str(package), str(tree)])
            package.unlink()
        Peer(suite, tree).version()
        tree.rename(_root() / suite)


def _apt(folder: Path, suite: str) -> list[str]:
    """apt-get with a state of its own, in which nothing is installed."""
    (folder / "lists").mkdir()
    (folder / "archives").mkdir()
    (folder / "status").touch()
    (folder / "sources").write_text(f"deb [signed-by={_KEYS}] {_MIRROR} {suite} main\n")
    options = {
        "Dir::Etc::SourceList": folder / "sources",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "APT::Install-Recommends": "false",
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "root",
    }
    return ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]


def _run(command: Sequence[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=900, env=environment)
