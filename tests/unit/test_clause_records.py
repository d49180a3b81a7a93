"""Which clauses leave a record when they run, and so a line (contract P21, P22)."""

from __future__ import annotations

import pytest

from tests.golden.compiling import compiled

RECORDS = {
    "": True,
    "trace(1)": True,
    "x = 1; trace(x)": True,
    "exit(0)": True,
    "@a = count(); clear(@a)": True,
    "speculate(1)": True,
    "speculate(1); trace(1)": True,
    "if (pid) speculate(1); else trace(1)": True,
    "pid": False,
    "x = 1; self->y = 2": False,
    "@a = count()": False,
    "commit(1)": False,
    "discard(1)": False,
    "chill(1)": False,
    "raise(1)": False,
    "stop()": False,
    "breakpoint()": False,
    "panic()": False,
    "self->s = speculation(); speculate(self->s)": False,
    "if (pid) x = 1": False,
}


@pytest.mark.parametrize("text", RECORDS)
def test_records(text: str) -> None:
    errors, program = compiled(f"BEGIN {{ {text} }}")
    assert not errors
    assert program.clauses[0].records is RECORDS[text]
