"""The whole C file: sizes, headers, maps, clause functions, programs. And what the consumer must know of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from dtrace_py.codegen import aggregations, builtins, clauses, dynamic, programs, subroutines, surroundings, variables
from dtrace_py.codegen.clauses import ClauseFunction
from dtrace_py.codegen.environment import Environment, Target
from dtrace_py.codegen.layout import AggregationLayout, ClauseLayout, ProgramLayout, Unit
from dtrace_py.codegen.operands import padded
from dtrace_py.codegen.plan import Plan
from dtrace_py.codegen.programs import Context, Kind
from dtrace_py.codegen.shape import Shape
from dtrace_py.errors import DtpyError
from dtrace_py.lang import typed
from dtrace_py.lang.facts import NoTypes
from dtrace_py.lang.program import Clause, Program
from dtrace_py.lang.recursion import deep_recursion
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

_POLICIES = {"fill": "RING_FILLS", "ring": "RING_OVERWRITES"}
"""What bpf/record.h and bpf/ring.h call the policies that are not the default."""

_PARTS = ("probeprov", "probemod", "probefunc", "probename")


def generate(program: Program, plan: Plan, shape: Shape, target: Target) -> Unit:
    """The unit for a typed program and its plan."""
    with deep_recursion():
        return _Unit(program, plan, shape, target).generate()


def kinds(plan: Plan, session: bool) -> list[Kind]:
    """The programs that a plan's own probes need, each with the enablings that can happen in it."""
    wanted: dict[str, set[int]] = {}
    masks = plan.masks
    for probe in plan.own:
        if probe == ERROR:
            continue  # fires inside the others
        if probe.provider == "dtrace":
            name = probe.name.lower()
        elif probe.provider == "profile":
            name = "profile"
        elif probe.provider == "fbt" and session:
            name = "fbt"
        else:
            name = f"{probe.provider}_{probe.name}"
        wanted.setdefault(name, set()).add(masks[probe.id])
    result: list[Kind] = []
    for name, some in wanted.items():
        mask = 0
        for each in some:
            mask |= each
        result.append(Kind(name, len(result), [e for e in plan.enablings if mask >> e.number & 1]))
    return result


def _uses_vtimestamp(program: Program) -> bool:
    return "vtimestamp" in program.builtins


class _Unit:
    def __init__(self, program: Program, plan: Plan, shape: Shape, target: Target) -> None:
        self.program = program
        self.plan = plan
        self.shape = shape
        self.environment = Environment(target, program.types or NoTypes())
        self.kinds = kinds(plan, shape.session)
        if _uses_vtimestamp(program) and plan.since is None:
            self.kinds.append(Kind("vtime", len(self.kinds)))
        self.errors = plan.at(ERROR)
        self.linkage = clauses.SUBPROGRAM if len(plan.enablings) > _INLINED else clauses.INLINE
        self.functions: dict[str, ClauseFunction] = {}
        self.needs: set[str] = set()

    def generate(self) -> Unit:
        self._note()
        self._generate_clauses()
        self._check_memory()
        if self._threads_end():
            self.kinds.append(Kind("thread_end", len(self.kinds)))
        self.needs = set(self.environment.needs)
        for function in self.functions.values():
            self.needs |= function.needs
        if self.errors:
            self.needs.add("epid")
        layouts = [aggregations.layout(a, self.environment) for a in self.environment.aggregations.values()]
        text = "\n".join(
            [
                *self._sizes(),
                "",
                *self._headers(["linkage", "ring", "strings", "values", "arithmetic", *self._early_headers(layouts)]),
                "",
                *variables.structures(self.environment),
                *[line for made in layouts for line in aggregations.structures(made, self.environment)],
                *self._temporaries(layouts),
                *self._headers(["firing", "record", "fault", *self._optional_headers()]),
                "",
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
            self._slack(),
            self.environment.target.bufpolicy,
            self.environment.destructive,
            self.environment.panics,
        )

    # Before anything is generated

    def _note(self) -> None:
        """What all clauses together decide: sizes of keys and names, and which aggregations several programs change."""
        for place, part in enumerate(_PARTS):
            longest = max((len(str(text)) for text in {probe[1 + place] for probe in self.plan.probes}), default=0)
            self.environment.names[part] = padded(longest + 1)
        users: dict[str, set[str]] = {}
        for kind in self.kinds:
            for enabling in kind.enablings:
                for statement in chain(*enabling.clause.blocks):
                    if isinstance(statement, typed.Aggregate):
                        users.setdefault(statement.aggregation.name, set()).add(kind.name)
        for enabling in self.errors:
            for statement in chain(*enabling.clause.blocks):
                if isinstance(statement, typed.Aggregate):
                    users.setdefault(statement.aggregation.name, set()).update(("error", "any"))
        for kind in self.kinds:
            if sum(not programs_.isdisjoint((kind.name, "any")) for programs_ in users.values()) > _MOST_AGGREGATIONS:
                text = f"more than {_MOST_AGGREGATIONS} aggregations at the same probes"
                raise DtpyError(f"could not enable tracing: {text} is not implemented (yet)")
        self.environment.shared = {name for name, programs_ in users.items() if len(programs_) > 1}
        for clause in self._forms():
            for statement in chain(*clause.blocks):
                if isinstance(statement, typed.Aggregate):
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

    def _sizes(self) -> list[str]:
        target, shape = self.environment.target, self.shape
        sizes: dict[str, object] = {
            "CPUS": target.cpus,
            "PROGRAMS": max(1, len(self.kinds)),
            "PROBES": max(1, len(self.plan.probes)),
            "ENABLINGS": max(1, len(self.plan.enablings)),
            "CLAUSE_SETS": shape.sets,
            "SET_WORDS": -(-max(1, len(self.plan.enablings)) // 64),
            "RING_BYTES": target.ring_bytes,
            "RING_SLACK": self._slack(),
            "STRSIZE": target.strsize,
            "STRING_BYTES": self.environment.bound,
        }
        if self.plan.since is not None:
            sizes["LATER"] = 1
        if "scratch" in self.needs:
            sizes["SCRATCH_BYTES"] = max(8, padded(target.scratchsize))
        if self.linkage == "SUBPROGRAM":
            sizes["MANY_CLAUSES"] = 1
        if target.bufpolicy in _POLICIES:
            sizes[_POLICIES[target.bufpolicy]] = 1
        if target.only_cpu is not None:
            sizes["ONLY_CPU"] = target.only_cpu
        if shape.functions:
            sizes["TEXT_START"] = f"{shape.functions.text_start:#x}ULL"
            sizes["SLOT_SHIFT"] = shape.functions.slot_shift
            sizes["FUNCTION_PAGES"] = shape.functions.pages
            sizes["FUNCTION_LEAVES"] = shape.functions.leaves
        if shape.syscalls:
            sizes["SYSCALLS"] = shape.syscalls
        if shape.timers:
            sizes["TIMERS"] = shape.timers
        if "names" in self.needs:
            sizes["NAMES_BYTES"] = shape.names
        if "depth" in self.needs:
            sizes["STACK_FRAMES"] = target.maxframes
        if "speculation" in self.needs:
            sizes["NSPEC"] = target.speculations
            sizes["SPECSIZE"] = f"{target.speculation_bytes}ULL"
        if "dpath" in self.needs:
            sizes |= builtins.path_offsets(target)
        if marks := dynamic.marks(self.environment):
            sizes["MARKS"] = marks
        if "files" in self.needs:
            sizes |= surroundings.file_offsets(target)
        if "progeny" in self.needs:
            sizes |= builtins.progeny_offsets(target)
        if "thread" in self.needs and (where := target.preempt_count()):
            sizes["PREEMPT_COUNT"] = f"{where[0]:#x}ULL"
            sizes["PER_CPU_OFFSETS"] = f"{where[1]:#x}ULL"
        return [f"#define {name} {value}" for name, value in sizes.items()]

    def _slack(self) -> int:
        sizes = (layout.size for function in self.functions.values() for layout in function.layouts)
        needed, had = padded(max([FAULT_RECORD, *sizes])), self.environment.target.ring_slack
        if had and needed > had:
            raise DtpyError(f"records there take {needed} bytes, the buffers were made for {had}")
        return had or needed

    def _headers(self, names: list[str]) -> list[str]:
        return [f'#include "{name}.h"' for name in names]

    def _early_headers(self, layouts: list[AggregationLayout]) -> list[str]:
        """Those that say what is in the temporaries."""
        called = [name for name in subroutines.HEADERS if name in self.environment.headers]
        return [*(["aggregate"] if layouts else []), *(["scratch"] if "scratch" in self.needs else []), *called]

    def _optional_headers(self) -> list[str]:
        providers = {probe.provider for probe in self.plan.own}
        placed = bool(providers & {"fbt", "syscall", "profile"})
        wanted = {
            "sites": placed,
            "registers": placed or bool(self.plan.waiting),
            "functions": "fbt" in providers,
            "starts": self._needs_starts(),
            "syscalls": "syscall" in providers,
            "timers": "profile" in providers,
            "names": "names" in self.needs,
            "epids": "epid" in self.needs,
            "thread": "thread" in self.needs,
            "ending": bool(dynamic.marks(self.environment)),
            "stack": "stack" in self.needs,
            "vtime": "vtimestamp" in self.needs,
            "memory": "scratch" in self.needs,
            "copyout": "copyout" in self.needs,
            "chill": "chill" in self.needs,
            "speculation": "speculation" in self.needs,
            "callers": "callers" in self.needs,
            "depth": "depth" in self.needs,
            "uregs": "uregs" in self.needs,
            "progeny": "progeny" in self.needs,
            "dpath": "dpath" in self.needs,
            "files": "files" in self.needs,
        }
        return [name for name, needed in wanted.items() if needed]

    def _needs_starts(self) -> bool:
        """Whether arg0 of a return, the offset of the instruction, is asked for and to be had."""
        return self.shape.kprobes and "arg0" in self.needs and any(kind.name == "fbt_return" for kind in self.kinds)

    def _temporaries(self, layouts: list[AggregationLayout]) -> list[str]:
        """Scratch space of one program on one CPU."""
        stems = [pool.name for pool in dynamic.pools(self.environment)]
        stems += [made.stem for made in layouts]
        lines = ["struct temporaries {"]
        if stems:
            lines += ["    union {", *[f"        struct {stem}_key {stem};" for stem in stems], "    } key;"]
        if "this" in self.needs:
            lines.append("    struct clause_locals this_;")
        if "scratch" in self.needs:
            lines.append("    struct scratch scratch;")
        if "depth" in self.needs:
            lines.append("    u64 frames[STACK_FRAMES];")
        if "dpath" in self.needs:
            lines.append(f"    u64 path[{5 + (4096 + 256) // 8}]; /* struct path_walk */")
        if self.environment.spills:
            lines.append(f"    s64 spilled[{self.environment.spills}];")
        if self.environment.memory:
            lines.append(f"    char memory[{self.environment.memory}] __attribute__((aligned(8)));")
        if "curcpu" in self.environment.needs:
            lines.append("    struct cpu_info cpu;")
        if self.environment.texts:
            lines.append(f"    char text[{self.environment.texts}][{self.environment.bound}];")
        lines += [f"    {member}" for name, member in subroutines.SCRATCH.items() if name in self.needs]
        return [*lines, "} __attribute__((aligned(8)));", ""]

    def _clauses(self) -> list[str]:
        """Records and functions; those for ERROR come first, because the others may fire it."""
        records = {function.clause.label: function.record for function in self.functions.values()}
        in_error = [function.text for function in self.functions.values() if function.in_error]
        others = [function.text for function in self.functions.values() if not function.in_error]
        fire = [programs.error_function(self.errors, self._context(), self.linkage)] if self.errors else []
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
