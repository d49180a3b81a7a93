"""What the C of a unit begins with: sizes, headers, and the temporaries that both clauses and headers work in."""

from __future__ import annotations

from dtrace_py.codegen import dynamic, kernel_objects, subroutines, surroundings
from dtrace_py.codegen.environment import Environment, Target
from dtrace_py.codegen.kinds import Kind
from dtrace_py.codegen.layout import AggregationLayout
from dtrace_py.codegen.operands import padded
from dtrace_py.codegen.plan import Plan
from dtrace_py.codegen.shape import Shape
from dtrace_py.record import record

_POLICIES = {"fill": "RING_FILLS", "ring": "RING_OVERWRITES"}
"""What bpf/record.h and bpf/ring.h call the policies that are not the default."""

_HEADERS = {
    "sites": "fbt syscall profile",
    "registers": "fbt syscall profile later",
    "functions": "fbt",
    "starts": "starts",
    "ftrace": "ftrace",
    "syscalls": "syscall",
    "timers": "profile",
    "names": "names",
    "epids": "epid",
    "thread": "thread",
    "ending": "marks",
    "stack": "stack",
    "vtime": "vtimestamp",
    "memory": "scratch",
    "copyout": "copyout",
    "chill": "chill",
    "speculation": "speculation",
    "callers": "callers",
    "depth": "depth",
    "uregs": "uregs",
    "progeny": "progeny",
    "dpath": "dpath",
    "files": "files",
    "packet": "packet",
}
"""Headers of bpf/ in their order, and what asks for each: providers, or what clauses need."""


@record
class Preamble:
    """All that decides it, once the clauses have been generated."""

    environment: Environment
    needs: frozenset[str]
    plan: Plan
    shape: Shape
    kinds: list[Kind]
    layouts: list[AggregationLayout]
    slack: int
    many_clauses: bool
    """Whether clauses are functions of their own."""

    @property
    def sizes(self) -> list[str]:
        """What headers need to be told."""
        target, shape = self.environment.target, self.shape
        sizes: dict[str, object] = {
            "CPUS": target.cpus,
            "PROGRAMS": max(1, len(self.kinds)),
            "PROBES": max(1, len(self.plan.probes)),
            "ENABLINGS": max(1, len(self.plan.enablings)),
            "CLAUSE_SETS": shape.sets,
            "SET_WORDS": -(-max(1, len(self.plan.enablings)) // 64),
            "RING_BYTES": target.ring_bytes,
            "RING_SLACK": self.slack,
            "STRSIZE": target.strsize,
            "STRING_BYTES": self.environment.bound,
        }
        if self.plan.since is not None:
            sizes["LATER"] = 1
        if "scratch" in self.needs:
            sizes["SCRATCH_BYTES"] = max(8, padded(target.scratchsize))
        if self.many_clauses:
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
        if shape.ftrace:
            sizes |= _of_ftrace(target, "return" in shape.ftrace)
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
            sizes |= kernel_objects.path_offsets(target)
        if marks := dynamic.marks(self.environment):
            sizes["MARKS"] = marks
        if "files" in self.needs:
            sizes |= surroundings.file_offsets(target)
        if "progeny" in self.needs:
            sizes |= kernel_objects.progeny_offsets(target)
        if "packet" in self.needs:
            sizes |= kernel_objects.packet_sizes(target)
        if "thread" in self.needs and (where := target.preempt_count()):
            sizes["PREEMPT_COUNT"] = f"{where[0]:#x}ULL"
            sizes["PER_CPU_OFFSETS"] = f"{where[1]:#x}ULL"
        return [*(f"#define {name} {value}" for name, value in sizes.items()), ""]

    @property
    def before(self) -> list[str]:
        """The headers that what is declared of variables, aggregations and temporaries needs."""
        scratch = ["scratch"] if "scratch" in self.needs else []
        called = [name for name in subroutines.HEADERS if name in self.environment.headers]
        aggregate = ["aggregate"] if self.layouts else []
        return _included(["linkage", "ring", "strings", "values", "arithmetic", *aggregate, *scratch, *called])

    @property
    def behind(self) -> list[str]:
        """The headers that need those declarations themselves."""
        asking = self.needs | {probe.provider for probe in self.plan.own}
        if self.plan.waiting:
            asking |= {"later"}
        if self.shape.ftrace:
            asking |= {"ftrace"}
        if self._needs_starts():
            asking |= {"starts"}
        if dynamic.marks(self.environment):
            asking |= {"marks"}
        wanted = [name for name, by in _HEADERS.items() if not asking.isdisjoint(by.split())]
        return _included(["firing", "record", "fault", *wanted])

    def _needs_starts(self) -> bool:
        """Whether arg0 of a return, the offset of the instruction, is asked for and to be had."""
        return self.shape.kprobes and "arg0" in self.needs and any(kind.name == "fbt_return" for kind in self.kinds)

    @property
    def temporaries(self) -> list[str]:
        """Scratch space of one program on one CPU."""
        stems = [pool.name for pool in dynamic.pools(self.environment)]
        stems += [made.stem for made in self.layouts]
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


def _of_ftrace(target: Target, graph: bool) -> dict[str, object]:
    """What bpf/ftrace.h needs to be told."""
    if graph:
        return {
            "RETURN_DEPTH": target.offset("struct task_struct", "curr_ret_stack"),
            "RETURNS": target.offset("struct task_struct", "ret_stack"),
            "RETURN_BYTES": target.size("struct ftrace_ret_stack"),
            "RETURN_FUNCTION": target.offset("struct ftrace_ret_stack", "func"),
            "RETURN_PLACE": target.offset("struct ftrace_ret_stack", "retp"),
        }
    name = target.instance.encode().ljust(16, b"\0")
    return {
        "INSTANCE_0": f"{int.from_bytes(name[:8], 'little'):#x}ULL",
        "INSTANCE_1": f"{int.from_bytes(name[8:], 'little'):#x}ULL",
        "OPS_PRIVATE": target.offset("struct ftrace_ops", "private"),
        "ARRAY_NAME": target.offset("struct trace_array", "name"),
    }


def _included(names: list[str]) -> list[str]:
    return [*(f'#include "{name}.h"' for name in names), ""]
