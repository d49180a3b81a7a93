"""Paths of files and directories as D shows them: cwd, root, d_path() (contract B10, R9)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import can_load_programs

pytestmark = pytest.mark.skipif(not can_load_programs(), reason="loading BPF programs needs root")


def dtpy(folder: Path, what: str, *options: str) -> str:
    """What trace() of an expression prints, run in a folder."""
    command = [sys.executable, "-m", "dtrace_py", *options, "-qn", f"BEGIN {{ trace({what}); exit(0); }}"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.removesuffix("\n")


def test_cwd(tmp_path: Path) -> None:
    assert dtpy(tmp_path, "cwd") == str(tmp_path.resolve())


def test_as_a_key(tmp_path: Path) -> None:
    """Of an array and of an aggregation."""
    key = str(tmp_path.resolve())
    assert dtpy(tmp_path, f'(a[cwd] = 3, a["{key}"])') == "3"
    command = [sys.executable, "-m", "dtrace_py", "-qn", "BEGIN { @[cwd] = count(); exit(0); }"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [key, "1"]


def test_the_root_directory(tmp_path: Path) -> None:
    assert dtpy(Path("/"), "cwd") == "/"


def test_a_long_name_and_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("n" * 255) / ("m" * 255) / "end"
    folder.mkdir(parents=True)
    assert dtpy(folder, "cwd", "-x", "strsize=1k") == str(folder)
    assert dtpy(folder, "cwd") == str(folder)[:255]


def test_a_directory_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    what = [
        sys.executable,
        "-c",
        "import os, sys; os.rmdir(sys.argv[1]); os.execv(sys.executable, sys.argv[2:])",
        str(folder),
    ]
    command = [*what, sys.executable, "-m", "dtrace_py", "-qn", "BEGIN { trace(cwd); exit(0); }"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{folder.resolve()} (deleted)\n", done.stderr


def test_the_path_of_a_file(tmp_path: Path) -> None:
    assert dtpy(tmp_path, "d_path(&curthread->mm->exe_file->f_path)") == os.path.realpath(sys.executable)


def test_a_mount(tmp_path: Path) -> None:
    """Names on both sides of where something is mounted."""
    assert dtpy(Path("/proc/self"), "cwd").startswith("/proc/")
