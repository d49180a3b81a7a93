"""Many random expressions in one program, run on this machine, and what they come to held against the reference."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.case import Outcome, run
from tests.property import reference
from tests.property.expressions import Maker
from tests.property.reference import Fault, Node, State, Text

_GROUP = 8
"""Expressions in a clause, if they do not fault."""

_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """An expression that did not come to what it should, or a program that did not load."""

    seed: str
    what: str


@dataclass(slots=True)
class _Program:
    clauses: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    """The expressions by number."""


def check(seed: int | str, expressions: int, folder: Path) -> list[Finding]:
    """Run so many expressions, and say what is wrong with them."""
    made = _program(Maker(seed), expressions)
    path = folder / "expressions.d"
    path.write_text("\n".join(made.clauses))
    outcome = run(["-qs", str(path)], 600)
    return _compared(made, outcome, str(seed))


def _program(maker: Maker, count: int) -> _Program:
    made, state = _Program(), State()
    made.clauses += ["#pragma D option quiet", *maker.variables.declarations(), *_start(maker, state)]
    group: list[str] = []
    lines: list[str] = []
    for number in range(count):
        node = maker.number(_DEPTH) if maker.random.random() < 0.8 else maker.text(3)
        made.texts[number] = node.text
        statement, line, faulted = _printed(maker, number, node, state)
        if not faulted:
            group.append(statement)
            lines.append(line)
        if faulted or len(group) == _GROUP or number == count - 1:
            _add(made, group, lines)
            group, lines = [], []
        if faulted:
            _add(made, [statement], [line])
    made.clauses += ['ERROR { printf("fault %d\\n", arg4); }', "BEGIN { exit(0); }"]
    return made


def _add(made: _Program, statements: list[str], lines: list[str]) -> None:
    if statements:
        made.clauses.append("\n".join(["BEGIN", "{", *(f"    {each}" for each in statements), "}"]))
        made.expected += lines


def _start(maker: Maker, state: State) -> list[str]:
    """The clauses that give every variable a value."""
    clauses = []
    for name, kind in (maker.variables.fixed | maker.variables.changing).items():
        node = maker.assigned(name, kind, maker.literal())
        node.value(state)
        clauses.append(f"BEGIN {{ {node.text}; }}")
    for name in maker.variables.strings:
        text = maker.stored(name, maker.string())
        text.value(state)
        clauses.append(f"BEGIN {{ {text.text}; }}")
    return ["\n".join(clauses).replace("; }\nBEGIN {", ";\n       ")]


def _printed(maker: Maker, number: int, node: Node | Text, state: State) -> tuple[str, str, bool]:
    """A statement that prints the expression, the line that it should print, and whether that is a fault's."""
    form, text = ("%s", maker.inside(node, 1)) if isinstance(node, Text) else ("%d", f"(int64_t)({node.text})")
    try:
        value = node.value(state)
    except Fault as fault:
        return f'printf("{number} {form}\\n", {text});', f"fault {fault.code}", True
    if isinstance(node, Text):
        return f'printf("{number} {form}\\n", {text});', f"{number} {value}", False
    assert isinstance(value, int)
    if maker.random.random() < 0.7:
        return f'printf("{number} {form}\\n", {text});', f"{number} {reference.signed(value)}", False
    # Recorded as what it is, and so cut to its size (C1).
    held = node.kind.held(value)
    form, shown = ("%d", reference.signed(held)) if node.kind.signed else ("%u", held)
    return f'printf("{number} {form}\\n", {maker.inside(node, 1)});', f"{number} {shown}", False


def _compared(made: _Program, outcome: Outcome, seed: str) -> list[Finding]:
    lines = outcome.stdout.splitlines()
    wanted = [*made.expected, ""]
    if outcome.status or len(lines) != len(wanted):
        known = {line.split(" ")[0] for line in lines}
        missing = [text for number, text in made.texts.items() if str(number) not in known][:3]
        what = f"status {outcome.status}, {len(lines)} lines of {len(wanted)}: {outcome.stderr[:2000]}"
        return [Finding(seed, "\n".join([what, *missing]))] if len(lines) != len(wanted) else [Finding(seed, what)]
    findings = []
    for line, should in zip(lines, wanted, strict=True):
        if line != should:
            number = re.match(r"\d+", should)
            text = made.texts[int(number[0])] if number else "(a fault)"
            findings.append(Finding(seed, f"{text}\n    came to {line!r}, not {should!r}"))
    return findings
