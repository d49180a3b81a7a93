"""Debian kernels for the guest: found with apt, unpacked into a cache directory, never installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dtrace_py.lab.errors import LabError
from dtrace_py.record import record

DEFAULT = "6.12"
TESTED = ("6.12", "6.1")
"""The kernel series that every claim of dtpy is tested on."""

_PACKAGE = re.compile(r"linux-image-(?P<release>\d+\.\d+[.\d]*\S*-cloud-amd64)")


@record
class Kernel:
    """A kernel that can be booted: its release, its image and, where there are any, its modules."""

    release: str
    image: Path
    modules: Path | None


def cache_dir() -> Path:
    """The lab's cache directory: $DTPY_CACHE, else dtpy below the user's own cache directory."""
    if chosen := os.environ.get("DTPY_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dtpy"


def find(wanted: str) -> Kernel:
    """The kernel that ``wanted`` names: a series such as ``6.12`` (fetched at need), an image, a package or its tree."""
    if re.fullmatch(r"\d+\.\d+(\.\d+)?", wanted):
        cached = [k for k in fetched() if _in_series(k.release, wanted)]
        return cached[0] if cached else fetch(wanted)
    path = Path(wanted).resolve()
    if not path.exists():
        raise LabError(f"no kernel {wanted!r}: neither a series such as {DEFAULT} nor a file")
    if path.suffix == ".deb":
        return _unpack(path)
    return _from_tree(path) if path.is_dir() else _from_image(path)


def fetched() -> list[Kernel]:
    """Every kernel in the cache, newest first."""
    trees = sorted((cache_dir() / "kernels").glob("*/boot/vmlinuz-*"), key=lambda p: _order(p.name), reverse=True)
    return [_from_tree(image.parent.parent) for image in trees]


def fetchable() -> Iterator[tuple[str, str]]:
    """(release, package) of the newest kernel of each series that apt offers, newest series first."""
    newest: dict[tuple[int, ...], tuple[str, str]] = {}
    for package in _candidates(r"^linux-image-[0-9.]+.*-cloud-amd64$"):
        release = package.removeprefix("linux-image-")
        newest.setdefault(_order(release)[:2], (release, package))
    yield from newest.values()


def fetch(series: str) -> Kernel:
    """Download and unpack the newest Debian cloud kernel of a series.

    Raises LabError where apt does not offer one. The download needs the network, but not root.
    """
    pattern = rf"^linux-image-{re.escape(series)}[.].*-cloud-amd64$"
    packages = _candidates(pattern)
    if not packages and os.geteuid() == 0:  # perhaps apt's lists are old, or were never fetched
        _apt(["apt-get", "update", "-q"])
        packages = _candidates(pattern)
    if not packages:
        raise LabError(f"apt offers no linux-image-{series}*-cloud-amd64; try 'apt-get update', or --kernel PATH")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        _apt(["apt-get", "download", "-q", packages[0]], cwd=folder)
        return _unpack(next(Path(folder).glob("*.deb")))


def _candidates(pattern: str) -> list[str]:
    """The packages whose names match and that can really be downloaded, newest first."""
    names = [line.split()[0] for line in _apt(["apt-cache", "search", "--names-only", pattern]).splitlines()]
    if not names:
        return []
    offered = {line.split("|")[0].strip() for line in _apt(["apt-cache", "madison", *names]).splitlines()}
    return sorted((name for name in offered if _PACKAGE.fullmatch(name)), key=_order, reverse=True)


def _apt(command: list[str], cwd: str | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is needed to fetch kernels; use --kernel PATH on other systems") from error
    if done.returncode:
        raise LabError(f"{' '.join(command[:3])} failed: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def _unpack(package: Path) -> Kernel:
    """Unpack a kernel package below the cache; a half-unpacked one is never seen, because the rename comes last."""
    root = cache_dir() / "kernels"
    target = root / package.name.split("_")[0].removeprefix("linux-image-")
    if not target.exists():
        root.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=root, prefix=".unpacking-"))
        try:
            subprocess.run(["dpkg-deb", "-x", package, staging], check=True)
            release = next((staging / "boot").glob("vmlinuz-*")).name.removeprefix("vmlinuz-")
            if depmod := shutil.which("depmod", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
                # For modprobe in the guest. Without kmod on the host the lab still boots.
                subprocess.run([depmod, "-b", staging, release], check=True)
            staging.chmod(0o755)
            staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return _from_tree(target)


def _from_tree(tree: Path) -> Kernel:
    images = sorted((tree / "boot").glob("vmlinuz-*"))
    if not images:
        raise LabError(f"{tree} holds no boot/vmlinuz-*")
    return _from_image(images[0])


def _from_image(image: Path) -> Kernel:
    release = image.name.removeprefix("vmlinuz-")
    for modules in (image.parent.parent / "lib/modules" / release, Path("/lib/modules") / release):
        if modules.is_dir():
            return Kernel(release, image, modules)
    return Kernel(release, image, None)


def _in_series(release: str, series: str) -> bool:
    wanted = _order(series)
    return _order(release)[: len(wanted)] == wanted


def _order(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", name))
