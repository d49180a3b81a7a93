"""The whole C file, from its parts in order; and what the consumer must know of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from dtrace_py.codegen import aggregations, clauses, dynamic, firing, programs, variables
from dtrace_py.codegen.clauses import ClauseFunction
from dtrace_py.codegen.environment import Environment, Target
from dtrace_py.codegen.firing import Context
from dtrace_py.codegen.kinds import Kind, kinds
from dtrace_py.codegen.layout import ClauseLayout, ProgramLayout, Unit
from dtrace_py.codegen.operands import padded
from dtrace_py.codegen.plan import Plan
from dtrace_py.codegen.preamble import Preamble
from dtrace_py.codegen.shape import Shape
from dtrace_py.errors import DtpyError
from dtrace_py.lang import acts
from dtrace_py.lang.facts import NoTypes
from dtrace_py.lang.program import Clause, Program
from dtrace_py.lang.recursion import deep_recursion
from dtrace_py.lang.tables.variables import PROBE_NAMES
from dtrace_py.providers.dtrace import ERROR
from dtrace_py.record import changed

_INLINED = 8
"""Enablings up to which clauses are part of each program; more are functions, which every program has once."""

FAULT_RECORD = 24
"""Bytes of struct fault_record."""

_MOST_AGGREGATIONS = 50
"""The kernel lets a program use 64 maps (MAX_USED_MAPS); the rest is for other things."""

_MOST_TEXT = 32 << 20
"""Bytes of string temporaries, which every program has for each CPU."""


def generate(program: Program, plan: Plan, shape: Shape, target: Target) -> Unit:
    """The unit for a typed program and its plan."""
    with deep_recursion():
        return _Unit(program, plan, shape, target).generate()


class _Unit:
    def __init__(self, program: Program, plan: Plan, shape: Shape, target: Target) -> None:
        self.program = program
        self.plan = plan
        self.shape = shape
        self.environment = Environment(target, program.types or NoTypes())
        self.kinds = kinds(plan, shape.session, shape.ftrace)
        self.errors = plan.at(ERROR)
        self.linkage = clauses.SUBPROGRAM if len(plan.enablings) > _INLINED else clauses.INLINE
        self.functions: dict[str, ClauseFunction] = {}
        self.needs: set[str] = set()

    def generate(self) -> Unit:
        self._note()
        self._generate_clauses()
        self._check_memory()
        self.needs = set(self.environment.needs)
        for function in self.functions.values():
            self.needs |= function.needs
        if "vtimestamp" in self.needs and self.plan.since is None:
            self.kinds.append(Kind("vtime", len(self.kinds)))
        if self._threads_end():
            self.kinds.append(Kind("thread_end", len(self.kinds)))
        if self.errors:
            self.needs.add("epid")
        layouts = [aggregations.layout(a, self.environment) for a in self.environment.aggregations.values()]
        many = self.linkage == clauses.SUBPROGRAM
        needs, slack = frozenset(self.needs), self._slack()
        preamble = Preamble(self.environment, needs, self.plan, self.shape, self.kinds, layouts, slack, many)
        text = "\n".join(
            [
                *preamble.sizes,
                *preamble.before,
                *variables.structures(self.environment),
                *[line for made in layouts for line in aggregations.structures(made, self.environment)],
                *preamble.temporaries,
                *preamble.behind,
                *variables.maps(self.environment),
                *(aggregations.blank(layouts) if layouts else []),
                *[line for made in layouts for line in aggregations.maps(made, self.environment)],
                *(dynamic.sweeps(self.environment) if self._threads_end() else []),
                *self._clauses(),
                *self._programs(),
            ]
        )
        return Unit(
            text,
            self._program_layouts(),
            self._clause_layouts(),
            tuple(layouts),
            slack,
            self.environment.target.bufpolicy,
            self.environment.destructive,
            self.environment.panics,
        )

    # Before anything is generated

    def _note(self) -> None:
        """What all clauses together decide: sizes of keys and names, and which aggregations several programs change."""
        for place, part in enumerate(PROBE_NAMES):
            longest = max((len(str(text)) for text in {probe[1 + place] for probe in self.plan.probes}), default=0)
            self.environment.names[part] = padded(longest + 1)
        users: dict[str, set[str]] = {}
        for kind in self.kinds:
            for enabling in kind.enablings:
                for statement in _aggregating(enabling.clause):
                    users.setdefault(statement.aggregation.name, set()).add(kind.name)
        for enabling in self.errors:
            for statement in _aggregating(enabling.clause):
                users.setdefault(statement.aggregation.name, set()).update(("error", "any"))
        for kind in self.kinds:
            if sum(not by.isdisjoint((kind.name, "any")) for by in users.values()) > _MOST_AGGREGATIONS:
                text = f"more than {_MOST_AGGREGATIONS} aggregations at the same probes: the kernel allows a program 64 maps"
                raise DtpyError(f"could not enable tracing: {text}")
        self.environment.shared = {name for name, by in users.items() if len(by) > 1}
        for clause in self._forms():
            for statement in _aggregating(clause):
                aggregations.note(statement, self.environment)

    def _threads_end(self) -> bool:
        """Whether there are variables to be freed when a thread ends: not if there is no thread but dtpy's own, or if that is
        done already."""
        probed = bool(self.plan.waiting) or any(probe.provider != "dtrace" for probe in self.plan.own)
        return probed and self.plan.since is None and bool(dynamic.of_threads(self.environment))

    # Clauses

    def _forms(self) -> Iterator[Clause]:
        """The clauses of the program, each in all its forms."""
        return chain.from_iterable(clause.forms for clause in self.program.clauses)

    def _generate_clauses(self) -> None:
        """All that are enabled, and those that may be: so all units of a tracing agree on variables and records."""
        in_error = {enabling.clause.label for enabling in self.errors}
        elsewhere = {each.clause.label for each in self.plan.enablings if each.probes - {ERROR.id}}
        for clause in self._forms():
            for error, wanted in (
                (True, clause.label in in_error),
                (False, clause.label in elsewhere or clause.number in self.plan.waiting),
            ):
                if wanted:
                    made = clauses.generate(clause, self.environment, error, bool(self.errors), self.linkage)
                    self.functions[made.name] = made

    def _check_memory(self) -> None:
        """Raise DtpyError if strings need more of each CPU's memory than it is worth."""
        size = self.environment.texts * self.environment.bound
        if size > _MOST_TEXT:
            needed = f"intermediate strings of one action take {size >> 20} MB, {_MOST_TEXT >> 20} MB are possible"
            raise DtpyError(f"could not enable tracing: {needed}; try a smaller strsize")

    # The text

    def _slack(self) -> int:
        sizes = (layout.size for function in self.functions.values() for layout in function.layouts)
        # What packet_piece() does not go beyond is there for the verifier (bpf/packet.h).
        needed = padded(max([FAULT_RECORD, *sizes]) + self.environment.target.pcapsize * ("packet" in self.needs))
        had = self.environment.target.ring_slack
        if had and needed > had:
            raise DtpyError(f"records there take {needed} bytes, the buffers were made for {had}")
        return had or needed

    def _clauses(self) -> list[str]:
        """Records and functions; those for ERROR come first, because the others may fire it."""
        records = {function.clause.label: function.record for function in self.functions.values()}
        in_error = [function.text for function in self.functions.values() if function.in_error]
        others = [function.text for function in self.functions.values() if not function.in_error]
        fire = [firing.error_function(self.errors, self._context(), self.linkage)] if self.errors else []
        return [*filter(None, records.values()), *in_error, *fire, *others]

    def _context(self) -> Context:
        places = {probe.name: place for place, probe in enumerate(self.plan.probes) if probe.provider == "dtrace"}
        error_exits = any(function.exits for function in self.functions.values() if function.in_error)
        context = Context(self.functions, frozenset(self.needs), self.shape, error_exits, places)
        if self._threads_end():
            pid = self.environment.target.offset("struct task_struct", "pid")
            context = changed(context, task_pid=pid, ending=tuple(dynamic.ending(self.environment)))
        return context

    def _programs(self) -> list[str]:
        return [programs.generate(kind, self._context()) for kind in self.kinds]

    # What the consumer is told

    def _program_layouts(self) -> tuple[ProgramLayout, ...]:
        return tuple(ProgramLayout(kind.name, kind.number, bool(kind.enablings)) for kind in self.kinds)

    def _clause_layouts(self) -> dict[int, ClauseLayout]:
        by_clause = {function.clause.label: function.layouts for function in self.functions.values()}
        return {e.number: by_clause[e.clause.label][e.block] for e in self.plan.enablings}


def _aggregating(clause: Clause) -> Iterator[acts.Aggregate]:
    return (statement for statement in chain(*clause.blocks) if isinstance(statement, acts.Aggregate))
