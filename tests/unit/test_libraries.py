"""Directories of D libraries: order, dependencies, versions of the kernel (contract L21, M38, -L)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtrace_py.lang.libraries import Libraries
from tests.case import run


def names(folder: Path, release: str = "6.12.9-amd64") -> list[str]:
    """The files that are compiled, in order, each by the first word of its comment."""
    found = Libraries([str(folder)], release, system=None).files(lambda kind, name: name == "there")
    return [source.text.split("/* ")[1].split()[0] for source in found]


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.d"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_what_a_library_depends_on_goes_first(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="#pragma D depends_on library b.d\n/* a */",
        b="#pragma D depends_on library c.d\n/* b */",
        c="/* c */",
    )
    assert names(tmp_path) == ["c", "b", "a"]


@pytest.mark.parametrize("line", ["library no.d", "library b.d", "module no", "provider no", "library a.d"])
def test_one_that_lacks_something_is_left_out(tmp_path: Path, line: str) -> None:
    write(tmp_path, a=f"#pragma D depends_on {line}\n/* a */", b="#pragma D depends_on module no\n/* b */", c="/* c */")
    assert names(tmp_path) == ["c"]


def test_one_may_depend_on_our_own(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    write(folder, a="#pragma D depends_on library errno.d\ninline int GONE = ENOENT;")
    found = run(["-L", str(folder), "-en", "BEGIN { trace(GONE); }"])
    assert (found.status, found.stderr) == (0, "")
    write(folder, a="#pragma D depends_on library ../dlib/errno.d\ninline int GONE = ENOENT;")
    assert run(["-L", str(folder), "-en", "BEGIN { trace(GONE); }"]).status == 1


def test_a_class_that_there_is_not(tmp_path: Path) -> None:
    write(tmp_path, a="#pragma D depends_on luck good")
    assert "[D_PRAGMA_INVAL]" in run(["-x", "errtags", "-L", str(tmp_path), "-en", "BEGIN"]).stderr


def test_one_that_has_what_it_needs_is_not(tmp_path: Path) -> None:
    write(tmp_path, a="#pragma D depends_on module there\n#pragma D depends_on provider there\n/* a */")
    assert names(tmp_path) == ["a"]


def test_libraries_that_depend_on_each_other(tmp_path: Path) -> None:
    write(tmp_path, a="#pragma D depends_on library b.d\n/* a */", b="#pragma D depends_on library a.d\n/* b */")
    assert names(tmp_path) == []


def test_the_kernels_version_picks_among_files_of_a_name(tmp_path: Path) -> None:
    versions = ("5.4", "6.1", "6.12", "6.13", "other")
    write(tmp_path, a="/* any */", b="/* b */", **{f"{version}__a": f"/* {version} */" for version in versions})
    assert names(tmp_path) == ["6.12", "b"]
    assert names(tmp_path, "6.2.0") == ["6.1", "b"]
    assert names(tmp_path, "4.1") == ["any", "b"]


def test_a_program_uses_what_a_library_declares(tmp_path: Path) -> None:
    write(tmp_path, lib="inline int FORTY_TWO = 42;\ntypedef int number_t;\nint shared;\n")
    program = "BEGIN { shared = FORTY_TWO; trace((number_t)shared); }"
    assert run(["-eL", str(tmp_path), "-n", program]).stderr == ""
    assert "failed to resolve FORTY_TWO" in run(["-e", "-n", "BEGIN { trace(FORTY_TWO); }"]).stderr


def test_an_error_in_a_library_names_its_place(tmp_path: Path) -> None:
    write(tmp_path, lib="int ok;\nint ok[int];\n")
    outcome = run(["-x", "errtags", "-eL", str(tmp_path), "-n", "BEGIN"])
    path = tmp_path / "lib.d"
    assert outcome.status == 1
    assert f'[D_DECL_IDRED] "{path}", line 2: identifier redeclared: ok' in outcome.stderr


@pytest.mark.parametrize("options", [["-x", "nolibs"], ["-x", "syslibdir=/nowhere"]])
def test_without_libraries_there_are_no_constants(options: list[str]) -> None:
    program = ["-n", "BEGIN { trace(SIGKILL); }"]
    assert run(["-e", *program]).stderr == ""
    assert "failed to resolve SIGKILL" in run(["-e", *options, *program]).stderr
