"""D's actions (contract section 6): statements that record, or that act on the consumer or the system."""

from __future__ import annotations

from dtrace_py.record import record


@record
class Action:
    """An action: how many arguments it takes, whether it records (P22), whether it needs -w."""

    name: str
    least: int
    most: int | None
    """None: any number."""
    records: bool = True
    destructive: bool = False
    built: bool = True
    result: str = "void"


def _later(name: str, least: int, most: int | None, records: bool = True, destructive: bool = False,
           result: str = "void") -> Action:  # fmt: skip
    return Action(name, least, most, records, destructive, False, result)


ACTIONS = {
    row.name: row
    for row in (
        Action("clear", 1, 1),
        Action("denormalize", 1, 1),
        Action("exit", 1, 1),
        Action("func", 1, 1, result="_symaddr"),
        Action("mod", 1, 1, result="_symaddr"),
        Action("normalize", 2, 2),
        Action("printa", 1, None),
        Action("printf", 1, None),
        Action("stack", 0, 1, result="stack"),
        Action("sym", 1, 1, result="_symaddr"),
        Action("trace", 1, 1),
        Action("trunc", 1, 2),
        _later("breakpoint", 0, 0, records=False, destructive=True),
        _later("chill", 1, 1, records=False, destructive=True),
        _later("commit", 1, 1, records=False),
        _later("copyout", 3, 3, records=False, destructive=True),
        _later("copyoutstr", 3, 3, records=False, destructive=True),
        _later("discard", 1, 1, records=False),
        _later("freopen", 1, None, destructive=True),
        _later("ftruncate", 0, 0),
        _later("jstack", 0, 2, result="stack"),
        _later("panic", 0, 0, records=False, destructive=True),
        _later("pcap", 2, 2),
        _later("print", 1, 1),
        _later("printm", 2, 2),
        _later("raise", 1, 1, records=False, destructive=True),
        _later("setopt", 1, 2),
        _later("speculate", 1, 1, records=False),
        _later("stop", 0, 0, records=False, destructive=True),
        _later("system", 1, None, destructive=True),
        _later("tracemem", 2, 3),
        _later("uaddr", 1, 1, result="_usymaddr"),
        _later("ufunc", 1, 1, result="_usymaddr"),
        _later("umod", 1, 1, result="_usymaddr"),
        _later("ustack", 0, 2, result="stack"),
        _later("usym", 1, 1, result="_usymaddr"),
    )
}
