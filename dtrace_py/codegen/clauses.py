"""One clause as a C function: predicate, record, actions, faults."""

from __future__ import annotations

from dtrace_py.codegen import aggregations
from dtrace_py.codegen.environment import Environment
from dtrace_py.codegen.expressions import Expressions
from dtrace_py.codegen.layout import ClauseLayout
from dtrace_py.codegen.records import Records
from dtrace_py.codegen.writer import Writer, comment
from dtrace_py.lang import typed
from dtrace_py.lang.program import Clause
from dtrace_py.record import record

_SETUP = {
    "thread": ("const u64 thread = thread_key(f);",),
    "timestamp": ("const u64 timestamp = bpf_ktime_get_ns();",),
    "globals": (
        "u32 zero = 0;",
        "struct globals *globals = globals_map.lookup(&zero);",
        "if (!globals)",
        "    return;",
    ),
}
"""What a clause function begins with if its statements need it."""


@record
class ClauseFunction:
    """The C of a clause, and what the consumer must know of its record."""

    name: str
    in_error: bool
    text: str
    record: str
    """The C structure of the record; empty if it leaves none."""
    layout: ClauseLayout
    needs: frozenset[str]
    exits: bool


def function_name(clause: Clause, in_error: bool) -> str:
    """The C function of a clause; one that runs at ERROR has a form of its own, which does not fire ERROR again (F22)."""
    return f"clause_{clause.number}{'_in_error' if in_error else ''}"


def generate(
    clause: Clause, environment: Environment, in_error: bool, fires_error: bool, linkage: str
) -> ClauseFunction:
    """The function of a clause. ``fires_error`` says that there are ERROR clauses to run when it faults,
    ``linkage`` whether C calls or inlines the function."""
    return _Generator(clause, environment, in_error, fires_error, linkage).function()


class _Generator:
    def __init__(
        self, clause: Clause, environment: Environment, in_error: bool, fires_error: bool, linkage: str
    ) -> None:
        self.clause = clause
        self.writer = Writer()
        self.expressions = Expressions(environment, self.writer)
        self.records = Records(self.expressions, self._start_action)
        self.in_error = in_error
        self.fires_error = fires_error
        self.linkage = linkage
        self.action = 0

    def function(self) -> ClauseFunction:
        self._predicate()
        self._body()
        body = self.writer.lines
        faults = any(line.lstrip().startswith(("LOAD", "CHECK_")) for line in body)
        layout = ClauseLayout(
            self.clause, self.records.total if self.clause.records else 0, tuple(self.records.actions), faults
        )
        name = function_name(self.clause, self.in_error)
        head = [f"/* {comment(_title(self.clause))} */"]
        head += [f"{self.linkage} void {name}(struct firing *f, u32 enabling)", "{"]
        head += [f"    {line}" if line else "" for line in self._setup(faults)]
        text = "\n".join([*head, *(body if faults else _without_actions(body)), *self._end(faults), "}", ""])
        exits = any(isinstance(statement, typed.Exit) for statement in self.clause.statements)
        return ClauseFunction(
            name, self.in_error, text, self._record(), layout, frozenset(self.expressions.needs), exits
        )

    def _setup(self, faults: bool) -> list[str]:
        lines = ["struct fault fault = {};"] if faults else []
        if self.clause.records:
            lines.append(f"struct {self._record_name} *record = 0;")
        for need in sorted(self.expressions.needs & _SETUP.keys()):
            lines += _SETUP[need]
        return [*lines, ""] if lines else []

    def _end(self, faults: bool) -> list[str]:
        if not faults:
            return []
        record = "record" if self.clause.records else "0"
        lines = ["    return;", "fault:"]
        if self.in_error:
            lines.append(f"    fault_in_error(f, {record}, enabling);")
        else:
            lines.append(f"    fault_report(f, {record}, enabling, &fault);")
            if self.fires_error:
                lines.append("    fire_error(f, enabling, &fault);")
        return lines

    @property
    def _record_name(self) -> str:
        return f"clause_{self.clause.number}_record"

    def _record(self) -> str:
        if not self.clause.records:
            return ""
        return "\n".join(
            [f"struct {self._record_name} {{", *self.records.members, "} __attribute__((aligned(8)));", ""]
        )

    def _predicate(self) -> None:
        if self.clause.predicate is None:
            return
        condition = self.expressions.number(self.clause.predicate)
        self.writer.line(f"if (!{condition}) {{")
        self.writer.line("    f->frame->counts.filtered++;")
        self.writer.line("    return;")
        self.writer.line("}")

    def _body(self) -> None:
        if self.clause.records:
            self.writer.line("record = record_reserve(f, sizeof(*record));")
            self.writer.line("if (!record)")
            self.writer.line("    return;")
        for statement in self.clause.statements:
            match statement:
                case typed.Evaluate(value=value):
                    self._start_action()
                    self.expressions.effect(value)
                case typed.Aggregate():
                    self._start_action()
                    aggregations.update(statement, self.expressions)
                case _:
                    self.records.add(statement)
        if self.clause.records:
            self.writer.line("record_publish(f, record, enabling);")
        else:
            self.writer.line("f->frame->counts.silent++;")

    def _start_action(self) -> None:
        """The next action begins: a fault from here on is in it."""
        self.action += 1
        self.expressions.next_action()
        self.writer.line(f"fault.action = {self.action};")


def _without_actions(lines: list[str]) -> list[str]:
    """A clause that cannot fault has no use for the number of the action it is in."""
    return [line for line in lines if not line.lstrip().startswith("fault.action = ")]


def _title(clause: Clause) -> str:
    predicate = " / ... /" if clause.predicate else ""
    return ", ".join(clause.descriptions) + predicate
