"""What a whole unit has in common: its target, and what its clauses turn out to need."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from dtrace_py.codegen.operands import padded
from dtrace_py.lang.facts import TypeSource
from dtrace_py.lang.program import Aggregation, Variable
from dtrace_py.lang.types import Type, size_of
from dtrace_py.record import record


@record
class Target:
    """The machine and the sizes to generate for. Sizes are bytes."""

    cpus: int
    """One more than the largest CPU number."""
    ring_bytes: int
    """Of each CPU's ring: a power of two."""
    dynamic_bytes: int
    """For each dynamic variable."""
    aggregation_bytes: int
    """For each aggregation, a CPU."""
    strsize: int
    only_cpu: int | None
    """The one CPU to trace on, or None for all of them."""
    offset: Callable[[str, str], int]
    """The offset in bytes of a member of a kernel structure; KeyError if there is none."""
    size: Callable[[str], int]
    """The size in bytes of a kernel structure; KeyError if there is none."""
    preempt_count: Callable[[], tuple[int, int] | None]
    """Where the kernel keeps its per-CPU preemption count: its per-CPU address, and that of the table of offsets."""
    per_cpu_offsets: Callable[[], int | None] = lambda: None
    """The address of the kernel's table of what is added to a per-CPU address, CPU by CPU."""
    places: Callable[[], tuple[tuple[int, int], ...]] = tuple
    """Chip and NUMA node of each CPU."""
    scratchsize: int = 256
    """Of a clause's own memory, for alloca() and copyin()."""
    bufpolicy: str = "switch"
    """What happens when a ring is full: option bufpolicy."""
    speculations: int = 1
    """How many there can be at a time: option nspec."""
    speculation_bytes: int = 4 << 20
    """Of each on every CPU: option specsize."""
    temporal: bool = False
    """Whether every record says when it was made."""
    ring_slack: int = 0
    """Bytes that rings which are there already have behind their end."""
    maxframes: int = 127
    """The deepest that a stack is followed."""
    pcapsize: int = 1514
    """What pcap() records of a packet at most."""
    pages: Callable[[], tuple[int, int, int] | None] = lambda: None
    """The addresses of the kernel's variables that say where all of memory and the descriptions of its pages begin, and the
    size of such a description."""

    instance: str = ""
    """The name of ftrace's instance for entries of functions, at most 15 characters."""


@dataclass(slots=True)
class Environment:
    """Filled while clauses are generated; then the unit declares what is in here."""

    target: Target
    types: TypeSource
    needs: set[str] = field(default_factory=set)
    """Things a program must set up: arg0 … arg9, errno, epid, names, this, vtimestamp."""
    headers: set[str] = field(default_factory=set)
    """The headers of bpf/ with the subroutines that are called."""
    texts: int = 0
    """String temporaries a clause needs at most."""
    memory: int = 0
    """Bytes of the structures and arrays in between that a clause needs at most."""
    spills: int = 0
    """Intermediate values that a clause keeps in the frame at most."""
    destructive: bool = False
    """Whether any clause changes the system (contract 6.3)."""
    panics: bool = False
    """Whether any may panic it."""
    variables: dict[tuple[str, str], Variable] = field(default_factory=dict)
    """The D variables that are used, in order of first use."""
    aggregations: dict[str, Aggregation] = field(default_factory=dict)
    key_sizes: dict[str, list[int]] = field(default_factory=dict)
    """For each aggregation the bytes of each of its keys: the largest that any clause needs."""
    user_stacks: set[tuple[str, int]] = field(default_factory=set)
    """The keys, by aggregation and place, that are stacks of processes: they begin with the process."""
    shared: set[str] = field(default_factory=set)
    """The aggregations that several programs change: each then has elements of its own."""
    bytes: int = 0
    """What the variables that are always there take, of those that are used so far."""
    names: dict[str, int] = field(default_factory=dict)
    """The bytes that probeprov, probemod, probefunc and probename need for the enabled probes."""

    @property
    def bound(self) -> int:
        """The buffer of a full-sized string."""
        return padded(self.target.strsize)

    def size(self, kind: Type) -> int:
        """Bytes of a value of a type."""
        size = size_of(kind, self.types, self.target.strsize)
        assert size is not None, f"not refused: a value of type {kind}"
        return size

    def room(self, kind: Type) -> int:
        """Bytes that a variable of structure or array type takes: whole words, and never none."""
        return padded(max(1, self.size(kind)))

    def variable(self, variable: Variable) -> Variable:
        """Note that a variable is used."""
        key = (variable.scope, variable.name)
        if key not in self.variables and not variable.dynamic:
            self.bytes += self.room(variable.type)
        return self.variables.setdefault(key, variable)


def identifier(text: str) -> str:
    """A C identifier that shows a D name."""
    return re.sub(r"\W", "_", text)
