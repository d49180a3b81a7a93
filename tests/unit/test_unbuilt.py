"""What cannot be run yet passes the checks and is then refused by name, in one place: all that the tables hold."""

from __future__ import annotations

import pytest

from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.unbuilt import unbuilt
from tests.golden.compiling import compiled

ARGUMENTS = {
    "format": '"x"',
    "const char *": '"x"',
    "char *": '"x"',
    "@": "&`jiffies_64",
    "struct path *": "&curthread->path",
    "uintptr_t *": "(uintptr_t *)arg0",
    "ipaddr_t *": "(ipaddr_t *)arg0",
    "void *": "(void *)arg0",
}


def call(name: str, parameters: tuple[str, ...]) -> str:
    needed = [parameter for parameter in parameters if not parameter.startswith(("[", "..."))]
    return f"{name}({', '.join(ARGUMENTS.get(parameter, '1') for parameter in needed)})"


def refused(statements: str) -> list[str]:
    """The messages of what cannot be run in a clause that passes all checks."""
    errors, program = compiled(f"BEGIN {{ {statements}; }}")
    assert not errors, [error.message for error in errors]
    return [error.message for error in unbuilt(program.clauses[0])]


# Those that take a type of the kernel which the made-up one does not have are in tests/cases/compile/kernel.case.
SUBROUTINE_CALLS = {
    name: call(name, row.prototype.parameters)
    for name, row in SUBROUTINES.items()
    if not any(each in str(row.prototype) for each in ("mutex", "rwlock_t", "in6_addr"))
}


@pytest.mark.parametrize("name", SUBROUTINE_CALLS)
def test_subroutines(name: str) -> None:
    assert refused(SUBROUTINE_CALLS[name]) == []


@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if not action.generated])
def test_actions(name: str) -> None:
    assert refused(call(name, ACTIONS[name].prototype.parameters)) == [f"{name}( ) is not implemented (yet)"]


def test_what_can_be_run_is_not_refused() -> None:
    functions = [
        f"@{name} = {name}({', '.join(['1', '2', '4', '5', '8'][: row.least])})" for name, row in AGGREGATING.items()
    ]
    assert refused("; ".join([*functions, 'x = 1; self->y = "a"; a[x] = &curthread->pid', "stack(); sym(arg0)"])) == []
