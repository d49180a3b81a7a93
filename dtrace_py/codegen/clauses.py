"""One clause as a C function: predicate, record, actions, faults."""

from __future__ import annotations

from itertools import chain, groupby

from dtrace_py.codegen import aggregations, destructive, speculations
from dtrace_py.codegen.environment import Environment
from dtrace_py.codegen.expressions import Expressions
from dtrace_py.codegen.layout import ClauseLayout
from dtrace_py.codegen.records import Records
from dtrace_py.codegen.writer import Writer, comment, function
from dtrace_py.lang import acts
from dtrace_py.lang.program import Clause, records
from dtrace_py.record import record

INLINE, SUBPROGRAM = "static __always_inline", "SUBPROGRAM"
"""How the functions of clauses are linked: part of every program, or functions of their own (bpf/linkage.h)."""

_SETUP = {
    "thread": ("u64 thread = thread_key(f);",),
    "scratch": ("scratch_begin(f);",),
    "timestamp": ("u64 timestamp = bpf_ktime_get_ns();",),
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
    """The C structures of its records; empty if it leaves none."""
    layouts: tuple[ClauseLayout, ...]
    """Of the records of its blocks."""
    needs: frozenset[str]
    exits: bool

    @property
    def clause(self) -> Clause:
        return self.layouts[0].clause

    @property
    def can_fault(self) -> bool:
        return self.layouts[0].can_fault


def function_name(clause: Clause, in_error: bool) -> str:
    """The C function of a clause; one that runs at ERROR has a form of its own, which does not fire ERROR again (F22)."""
    return f"clause_{clause.label}{'_in_error' if in_error else ''}"


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
        called = linkage == SUBPROGRAM
        # A clause at ERROR is called by fire_error(), and that by the clause that faulted.
        self.expressions = Expressions(environment, self.writer, called * (3 if in_error else 1))
        self.in_error = in_error
        self.fires_error = fires_error
        self.linkage = linkage
        self.action = 0
        self.blocks: list[Records] = []
        self.entered = 0

    def function(self) -> ClauseFunction:
        self._predicate()
        if self.clause.branches:
            self._branching(self.clause.statements)
            if not self.blocks:  # nothing but empty braces
                self._statements(())
            self.writer.line("f->frame->counts.silent++; /* what follows from it is counted by itself */")
        else:
            self._only_block(self.clause.statements)
        body = self.writer.lines
        faults = any(line.lstrip().startswith(("LOAD", "CHECK")) for line in body)
        layouts = tuple(
            ClauseLayout(
                self.clause,
                block.total if records(statements) else 0,
                tuple(block.actions),
                faults,
                speculations.among(statements),
            )
            for block, statements in zip(self.blocks, self.clause.blocks, strict=True)
        )
        name = function_name(self.clause, self.in_error)
        head = [f"/* {comment(_title(self.clause))} */"]
        lines = [f"    {line}" if line else "" for line in self._setup(faults)]
        lines += [*(body if faults else _without_actions(body)), *self._end(faults)]
        parameters = ("struct firing *f", "u32 enabling")
        text = "\n".join([*head, *function(self.linkage, name, parameters, lines)])
        exits = any(isinstance(statement, acts.Exit) for statement in chain(*self.clause.blocks))
        return ClauseFunction(
            name, self.in_error, text, self._records(), layouts, frozenset(self.expressions.needs), exits
        )

    def _setup(self, faults: bool) -> list[str]:
        lines = ["struct fault *const fault = &f->frame->fault;", "fault->action = 0;"] if faults else []
        if self.clause.branches:
            lines += ["const u32 first = enabling;", *(["void *pending = 0;"] if faults else [])]
        elif self.clause.records:
            lines.append(f"struct {self._record_name(0)} *record = 0;")
        for need in sorted(self.expressions.needs & _SETUP.keys()):
            lines += _SETUP[need]
        return [*lines, ""] if lines else []

    def _end(self, faults: bool) -> list[str]:
        if not faults:
            return []
        record = "pending" if self.clause.branches else "record" if self.clause.records else "0"
        lines = ["    return;", "fault:"]
        if self.in_error:
            lines.append(f"    fault_in_error(f, {record}, enabling);")
        else:
            lines.append(f"    fault_report(f, {record}, enabling, fault);")
            if self.fires_error:
                lines.append("    fire_error(f, enabling, fault);")
        return lines

    def _record_name(self, block: int) -> str:
        return f"clause_{self.clause.label}{f'_block_{block}' if self.clause.branches else ''}_record"

    def _records(self) -> str:
        return "\n".join(
            line
            for number, (block, statements) in enumerate(zip(self.blocks, self.clause.blocks, strict=True))
            if records(statements)
            for line in (
                f"struct {self._record_name(number)} {{",
                *block.members,
                "} __attribute__((aligned(8)));",
                "",
            )
        )

    def _predicate(self) -> None:
        if self.clause.predicate is None:
            return
        condition = self.expressions.number(self.clause.predicate)
        self.writer.line(f"if (!{condition}) {{")
        self.writer.line("    f->frame->counts.filtered++;")
        self.writer.line("    return;")
        self.writer.line("}")

    def _only_block(self, statements: tuple[acts.Statement, ...]) -> None:
        """All of a clause without if/else."""
        if speculations.among(statements):
            self._statements(statements)
            return
        if self.clause.records:
            self.writer.line("record = record_reserve(f, sizeof(*record));")
            self.writer.line("if (!record)")
            self.writer.line("    return;")
        self._statements(statements)
        if self.clause.records:
            self.writer.line("record_publish(f, record, enabling);")
        else:
            self.writer.line("f->frame->counts.silent++;")

    # With if/else (P30)

    def _branching(self, statements: tuple[acts.Statement, ...]) -> None:
        """Blocks, each an enabling of its own, and the conditions that lead to them."""
        for branches, stretch in groupby(statements, lambda statement: isinstance(statement, acts.If)):
            if not branches:
                self._block(tuple(stretch))
                continue
            for each in stretch:
                assert isinstance(each, acts.If)
                self._if(each)

    def _if(self, node: acts.If) -> None:
        """A fault in a condition is one in the predicate of the block that it leads to."""
        self._enter(min(len(self.blocks), len(self.clause.blocks) - 1))
        self.writer.line("fault->action = 0;")
        condition = self.expressions.number(node.condition)
        with self.writer.aside(deeper=True) as yes:
            self._branching(node.yes)
        with self.writer.aside(deeper=True) as no:
            self._branching(node.no)
        self.writer.branch(condition.text, yes, no or None)

    def _enter(self, block: int) -> None:
        """From here on what happens is of this block."""
        if block != self.entered:
            self.entered = block
            self.writer.line(f"enabling = first + {block};")

    def _block(self, statements: tuple[acts.Statement, ...]) -> None:
        number = len(self.blocks)
        self._enter(number)
        if speculations.among(statements):
            self._statements(statements, f"record{number}")
        elif records(statements):
            self._recording_block(number, statements)
        else:
            self._statements(statements)
            self.writer.line("f->frame->counts.silent++;")
        self.writer.line("f->frame->counts.enablings++;")
        if any(isinstance(statement, acts.Exit) for statement in statements):
            with self.writer.block("if (f->stopped)"):
                self.writer.line("f->frame->counts.silent++;")
                self.writer.line("return;")

    def _recording_block(self, number: int, statements: tuple[acts.Statement, ...]) -> None:
        """A record for which there is no room costs this block only."""
        record, kind = f"record{number}", f"struct {self._record_name(number)}"
        self.writer.line(f"{kind} *{record} = record_reserve(f, sizeof(*{record}));")
        with self.writer.block(f"if ({record})"):
            self.writer.line(f"pending = {record};")
            self._statements(statements, record)
            self.writer.line(f"record_publish(f, {record}, enabling);")
            self.writer.line("pending = 0;")

    # Statements

    def _statements(self, statements: tuple[acts.Statement, ...], record: str = "record") -> None:
        """The statements of one block, which get a record of their own."""
        block = Records(self.expressions, self._start_action, record, speculations.among(statements))
        self.blocks.append(block)
        self.action = 0
        if records(statements) and not speculations.among(statements):
            block.begin()
        self._each(statements, block)

    def _each(self, statements: tuple[acts.Statement, ...], block: Records) -> None:
        for number, statement in enumerate(statements):
            if isinstance(statement, acts.Perform | acts.Command) and statement.action.destructive:
                self.expressions.environment.destructive = True
            match statement:
                case acts.Evaluate(value=value):
                    self._start_action()
                    self.expressions.effect(value)
                case acts.Aggregate():
                    self._start_action()
                    aggregations.update(statement, self.expressions)
                case acts.Speculate():
                    self._start_action()
                    self._speculate(statement, statements[number + 1 :], block)
                    return
                case acts.Settle():
                    self._start_action()
                    speculations.settle(statement, self.expressions)
                case acts.Perform(action=action) if not action.records:
                    self._start_action()
                    destructive.perform(self.expressions, statement)
                case _:
                    block.add(statement)

    def _speculate(self, statement: acts.Speculate, rest: tuple[acts.Statement, ...], block: Records) -> None:
        """What follows is held back, its record too; without a speculation, or room in it, nothing of it happens."""
        joined, record, number = speculations.speculate(statement, self.expressions), block.record, len(self.blocks) - 1
        with self.writer.aside(deeper=True) as nothing:
            self.writer.line("f->frame->counts.silent++;")
        with self.writer.aside(deeper=True) as held:
            if not records(self.clause.blocks[number]):
                self._each(rest, block)
                self.writer.line("f->frame->counts.silent++;")
            else:
                kind = f"struct {self._record_name(number)} *" if self.clause.branches else ""
                self.writer.line(f"{kind}{record} = speculation_reserve(f, {joined}, sizeof(*{record}));")
                with self.writer.block(f"if ({record})"):
                    if self.clause.branches:
                        self.writer.line(f"pending = {record};")
                    block.begin()
                    self._each(rest, block)
                    self.writer.line(f"record_publish_speculative(f, {record}, enabling);")
                    if self.clause.branches:
                        self.writer.line("pending = 0;")
        self.writer.branch(joined, held, nothing)

    def _start_action(self) -> None:
        """The next action begins: a fault from here on is in it."""
        self.action += 1
        self.expressions.next_action()
        self.writer.line(f"fault->action = {self.action};")


def _without_actions(lines: list[str]) -> list[str]:
    """A clause that cannot fault has no use for the number of the action it is in, nor for the record under way."""
    return [line for line in lines if not line.lstrip().startswith(("fault->action = ", "pending = "))]


def _title(clause: Clause) -> str:
    predicate = " / ... /" if clause.predicate else ""
    return ", ".join(clause.descriptions) + predicate
