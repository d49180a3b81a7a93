"""docs/language.md, made from the tables of the language and what the tests cite: ``python -m tests.language.rows``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dtrace_py.lang.tables import actions, subroutines, variables
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import BUILTINS
from tests.language.evidence import TESTS, evidence

FOLDER = Path(__file__).parent
DOCUMENT = TESTS.parent / "docs" / "language.md"

_MOST = 3
"""Tests named in a row."""

_RUNS, _CHECKED = "implemented", "checked; running it is not implemented yet"

_INTRODUCTION = """\
# The D language, row by row

Made by `python -m tests.language.rows` from the tables in `dtrace_py/lang/tables`, the lists in `tests/language` and the rows
that tests cite; `tests/unit/test_language.py` holds it up to date. The ids are those of the contract that dtpy is built to.
"""


def names() -> dict[str, list[tuple[str, bool]]]:
    """What the tables have built in, by row: names, and whether the generator knows them."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for builtin in BUILTINS.values():
        found.setdefault(builtin.row, []).append((builtin.name, True))
    for subroutine in SUBROUTINES.values():
        found.setdefault(subroutine.row, []).append((f"{subroutine.name}()", True))
    for action in ACTIONS.values():
        if action.row in actions.ABSENT:
            continue
        found.setdefault(action.row, []).append((f"{action.name}()", action.generated))
    for aggregating in AGGREGATING.values():
        found.setdefault(aggregating.row, []).append((f"{aggregating.name}()", True))
    return found


def absent() -> dict[str, tuple[str, ...]]:
    """What other systems have built in and Linux has no use for, by row."""
    return {**actions.ABSENT, **subroutines.ABSENT, **variables.ABSENT}


def listed() -> list[tuple[str, str, str]]:
    """The rows that are in no table: id, state, title. A state of ``+`` is implemented, ``~`` checked, else it says why not."""
    lines = (FOLDER / "rows.txt").read_text().splitlines()
    return [(row, state, title) for row, state, title in (line.split("\t") for line in lines)]


def tags() -> dict[str, str]:
    """Every tag of DTrace, and why it cannot occur here; empty if it can."""
    lines = (line.partition("\t") for line in (FOLDER / "tags.txt").read_text().splitlines())
    return {tag: why for tag, _, why in lines}


def document() -> str:
    """The whole text."""
    return "\n".join([_INTRODUCTION, *_rows(), "\n## Error tags\n", *_tags(), ""])


def _rows() -> Iterator[str]:
    yield "| row | what | state | shown by |\n|---|---|---|---|"
    rows = [(row, {"+": _RUNS, "~": _CHECKED}.get(state, state), title) for row, state, title in listed()]
    for row, each in names().items():
        later = [name for name, generated in each if not generated]
        state = _RUNS if not later else _CHECKED if len(later) == len(each) else f"{_RUNS}, but for {' '.join(later)}"
        rows.append((row, state, f"`{' '.join(name for name, _ in each)}`"))
    rows += [(row, "not on Linux: another system's", f"`{' '.join(each)}`") for row, each in absent().items()]
    for row, state, title in sorted(rows, key=_place):
        yield f"| {row} | {title.replace('|', chr(92) + '|')} | {state} | {_shown(row)} |"


def _place(row: tuple[str, str, str]) -> tuple[int, int]:
    letters = row[0].rstrip("0123456789")
    return ["P", "L", "T", "S", "V", "D", "C", "O", "F", "B", "A", "PF", "R", "G", "N"].index(letters), int(
        row[0][len(letters) :]
    )


def _shown(what: str) -> str:
    return ", ".join(evidence().get(what, [])[:_MOST])


def _tags() -> Iterator[str]:
    yield "| tag | state | shown by |\n|---|---|---|"
    for tag, why in tags().items():
        yield f"| {tag} | {f'cannot occur: {why}' if why else _RUNS} | {'' if why else _shown(tag)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
