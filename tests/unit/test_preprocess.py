"""-C: what stands in other files (contract 2.4); the rest is in cases/compile/command.case."""

from __future__ import annotations

from pathlib import Path

from tests.case import run


def test_headers(tmp_path: Path) -> None:
    header, script = tmp_path / "names.h", tmp_path / 'odd "name".d'
    header.write_text("#define NAME pid\n\n\nBEGIN { trace(nosuch); }\n")
    script.write_text('#!/usr/sbin/dtpy -Cs\n#include "names.h"\nBEGIN { trace(NAME); }\n')
    arguments = ["-x", "errtags", "-C", "-I", str(tmp_path), "-es", str(script)]
    outcome = run(arguments)
    assert outcome.stderr == (
        f'dtpy: failed to compile script {script}: [D_IDENT_UNDEF] "{header}", line 4: '
        "failed to resolve nosuch: Unknown variable name\n"
    )
    header.write_text("#define NAME pid\n\n\n")
    assert run(arguments).stderr == ""
    script.write_text('#!/usr/sbin/dtpy -Cs\n#include "names.h"\nBEGIN { trace(NAM); }\n')
    assert "[D_IDENT_UNDEF] line 3: failed to resolve NAM" in run(arguments).stderr, "of the script again"
