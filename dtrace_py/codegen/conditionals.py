"""What is evaluated or not, inside expressions: ``&& || ?:`` in C, and ``^^`` (contract O11 to O14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dtrace_py.codegen.operands import Number, joint
from dtrace_py.lang import typed

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions

_CHAIN = 8
"""Conditionals in a row up to which they nest in C too."""


def logical(make: Expressions, node: typed.Logical) -> Number:
    if node.op == "^^":
        left, right = make.pair(node.left, node.right)
        return Number(f"!{left} != !{right}", "int", loose=True)
    left = make.number(node.left)
    name = make.writer.fresh()
    with make.writer.aside(deeper=True) as lines:
        right = make.number(node.right)
        result = f"{name} = {right} != 0;"
        pure = not make.writer.lines
        make.writer.line(result)
    if pure:
        return Number(f"{left} {node.op} {right}", "int", loose=True)
    conjunction = node.op == "&&"
    make.writer.line(f"int {name} = {0 if conjunction else 1};")
    make.writer.branch(left.text if conjunction else f"!{left}", lines)
    return Number(name, "int")


def conditional(make: Expressions, node: typed.Conditional) -> Number:
    name = make.writer.fresh()
    if _chained(node) > _CHAIN:
        make.writer.line(f"s64 {name};")
        choose(make, node, lambda arm: make.writer.line(f"{name} = {make.number(arm).text};"))
        return Number(name)
    condition = make.number(node.condition)
    arms: list[list[str]] = []
    numbers: list[Number] = []
    for arm in (node.yes, node.no):
        with make.writer.aside(deeper=True) as lines:
            numbers.append(make.number(arm))
            make.writer.line(f"{name} = {numbers[-1].text};")
        arms.append(lines)
    if all(len(lines) == 1 for lines in arms):
        ctype = joint(*numbers)
        text = f"{condition} ? {numbers[0].as_(ctype)} : {numbers[1].as_(ctype)}"
        return Number(text, ctype, loose=True)
    make.writer.line(f"s64 {name};")
    make.writer.branch(condition.text, *arms)
    return Number(name)


def choose(make: Expressions, node: typed.Expr, arm: Callable[[typed.Expr], None]) -> None:
    """Generate a chain of conditionals without nesting; ``arm`` generates an arm."""
    end = make.writer.fresh("chosen")
    while isinstance(node, typed.Conditional):
        condition = make.number(node.condition)
        with make.writer.aside(deeper=True) as lines:
            arm(node.yes)
            make.writer.line(f"goto {end};")
        make.writer.branch(condition.text, lines)
        node = node.no
    arm(node)
    make.writer.line(f"{end}:;")


def _chained(node: typed.Expr) -> int:
    """How many conditionals follow one another, each the last arm of the one before."""
    count = 0
    while isinstance(node, typed.Conditional):
        node, count = node.no, count + 1
    return count
