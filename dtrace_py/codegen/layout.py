"""What the run-time half is told of the generated program: where everything is that it writes for the consumer."""

from __future__ import annotations

from dtrace_py.codegen.described import Described
from dtrace_py.lang.acts import Statement
from dtrace_py.lang.program import Aggregation, Clause
from dtrace_py.record import record


@record
class IntField:
    """An integer in a record: its offset and size in bytes."""

    offset: int
    size: int
    signed: bool


@record
class TextField:
    """A string in a record: NUL-terminated unless it fills its ``size`` bytes."""

    offset: int
    size: int


@record
class BytesField:
    """Memory as it was: a structure, an array, a floating-point number."""

    offset: int
    size: int


@record
class ShownField:
    """A value that print() shows by its type."""

    offset: int
    size: int
    type: Described


@record
class StackField:
    """Kernel addresses, innermost first; a zero ends them."""

    offset: int
    frames: int


@record
class SymbolField:
    """A kernel address, shown as ``what``: sym, func or mod."""

    offset: int
    what: str


@record
class UserStackField:
    """The id of a process and so many addresses of it, innermost first; a zero ends them. ``strings`` is the room for names
    that its runtime tells."""

    offset: int
    frames: int
    strings: int


@record
class UserSymbolField:
    """The id of a process and an address of it, shown as ``what``: usym, ufunc, umod or uaddr."""

    offset: int
    what: str


@record
class NameField:
    """One of the four fields of the probe's own name: the record's header tells which probe it is."""

    part: int


@record
class ConstantField:
    """A value that is known already; ``size`` is an integer's, or 0."""

    value: int | str
    size: int = 0
    signed: bool = True


Field = (
    IntField
    | TextField
    | BytesField
    | ShownField
    | StackField
    | SymbolField
    | UserStackField
    | UserSymbolField
    | NameField
    | ConstantField
)


@record
class Action:
    """A recording statement, and the fields of its arguments."""

    statement: Statement
    fields: tuple[Field, ...]


@record
class ClauseLayout:
    """The record of a clause: its size in bytes, header included, and its actions in order. Size 0: it leaves none."""

    clause: Clause
    size: int
    actions: tuple[Action, ...]
    can_fault: bool
    speculative: bool = False
    """Whether it belongs to a speculation, which a second word names."""


@record
class KeyField:
    """A key of an aggregation: its place in the map's key."""

    offset: int
    size: int
    kind: str
    """int, text, memory, stack, ustack, or the name of what shows a symbol: sym, func, mod, usym, ufunc, umod or uaddr."""
    bytes: int = 8
    """The size in D: an integer's decides how wide it is printed; of memory there may be less than ``size``."""
    signed: bool = True


@record
class AggregationLayout:
    """An aggregation's maps: the outer one that programs look into, the two inner ones, and how to read an element."""

    aggregation: Aggregation
    stem: str
    keys: tuple[KeyField, ...]
    key_size: int
    words: int
    """64-bit words of a value."""
    per_cpu: bool
    """Whether an element has a value for each CPU; else the CPU is in the key."""


@record
class ProgramLayout:
    """A BPF program of the unit: its C function, which says what it is attached to, and its number among the frames."""

    name: str
    number: int
    fires: bool
    """Whether probes fire in it, so that it counts its runs; else it only keeps accounts."""


@record
class Unit:
    """A generated program: C for bcc, and the layouts."""

    text: str
    programs: tuple[ProgramLayout, ...]
    clauses: dict[int, ClauseLayout]
    """By the number of the enabling, which record headers carry."""
    aggregations: tuple[AggregationLayout, ...]
    slack: int
    """Bytes that a ring has behind its end."""
    bufpolicy: str = "switch"
    destructive: bool = False
    """Whether it changes the system: then it runs with option destructive only."""
    panics: bool = False
    """Whether it may panic the kernel: then it runs with option panic only."""
