"""What may not follow what in a clause: speculate(), commit(), aggregations, exit() (contract 6.5).

DTrace makes a clause of its own of every stretch of statements that an ``if`` begins or ends (P30); so the rules hold
inside such a stretch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.subroutines import DESTRUCTIVE

_RULES: dict[tuple[str, str], tuple[str, str]] = {
    ("commit", "commit"): ("D_COMM_COMM", "commit( ) may not follow commit( )"),
    ("recording", "commit"): ("D_COMM_DREC", "commit( ) may not follow data-recording action(s)"),
    ("aggregating", "commit"): ("D_COMM_DREC", "commit( ) may not follow data-recording action(s)"),
    ("commit", "recording"): ("D_DREC_COMM", "data-recording actions may not follow commit( )"),
    ("commit", "aggregating"): ("D_AGG_COMM", "aggregating actions may not follow commit( )"),
    ("speculate", "speculate"): ("D_SPEC_SPEC", "speculate( ) may not follow speculate( )"),
    ("commit", "speculate"): ("D_SPEC_COMM", "speculate( ) may not follow commit( )"),
    ("recording", "speculate"): ("D_SPEC_DREC", "speculate( ) may not follow data-recording action(s)"),
    ("aggregating", "speculate"): ("D_SPEC_DREC", "speculate( ) may not follow data-recording action(s)"),
    ("speculate", "aggregating"): ("D_AGG_SPEC", "aggregating actions may not follow speculate( )"),
    ("speculate", "destructive"): ("D_ACT_SPEC", "destructive actions may not follow speculate( )"),
    ("speculate", "exit"): ("D_EXIT_SPEC", "exit( ) may not follow speculate( )"),
}
"""By what came first and what follows (A60 to A69)."""


def check_order(nodes: Iterable[ast.Statement]) -> Iterator[CompileError]:
    """The errors of a block."""
    seen: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.If):
            yield from check_order(node.yes)
            yield from check_order(node.no)
            seen.clear()
            continue
        kinds = _kinds(node)
        broken = [rule for pair, rule in _RULES.items() if pair[0] in seen and pair[1] in kinds]
        if broken:
            yield CompileError(*broken[0], node.span)
        seen.update(kinds)


def _kinds(node: ast.Expr) -> tuple[str, ...]:
    """What a statement counts as in these rules."""
    if isinstance(node, ast.Assign) and isinstance(node.target, ast.Aggregation):
        return ("aggregating",)
    if not isinstance(node, ast.Call):
        return ()
    name = node.function.name
    if name in DESTRUCTIVE:
        return ("destructive",)
    action = ACTIONS.get(name)
    if action is None:
        return ()
    kinds = ["recording"] if action.records else []
    kinds += ["destructive"] if action.destructive else []
    return (name, *kinds)
