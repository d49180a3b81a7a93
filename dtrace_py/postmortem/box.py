"""The black box: what it takes to print the records of a ring when the process that enabled them is gone.

It is JSON, because whoever reads it cannot trust it: a dump may come from anywhere. What the consumer does not need is left
out: the D text, expressions, and the actions on aggregations, which are not in the ring. The probes' names, of which
there may be tens of thousands, follow as plain text, which takes a tenth of the time.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, get_args

from dtrace_py.codegen.layout import (
    Action,
    BytesField,
    ClauseLayout,
    ConstantField,
    Field,
    IntField,
    NameField,
    ShownField,
    StackField,
    SymbolField,
    TextField,
    Unit,
    UserStackField,
    UserSymbolField,
)
from dtrace_py.codegen.plan import Enabling, Plan
from dtrace_py.lang import acts, typed
from dtrace_py.lang.formats import Conversion, Format
from dtrace_py.lang.program import Clause
from dtrace_py.lang.source import Source, Span
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.types import LONG
from dtrace_py.providers.probe import Probe
from dtrace_py.record import values

MAGIC = b"dtpy's black box"
"""The first bytes of a box, which begins with a page."""

HEADER = struct.Struct("<16sQQ")
"""Magic, the identity that its rings carry too, bytes of the contents that follow."""

_VERSION = 2
_END_OF_COLUMN = b"\0"

_FIELDS = {each.__name__: each for each in get_args(Field) if each is not ShownField}

# In place of what is left out: the records hold what expressions came to.
_NOWHERE = Span(0, 0, 0)
_CLAUSE = Clause(0, (), None, (), _NOWHERE, Source(""))
_EXPRESSION = typed.Const(LONG, _NOWHERE, 0)


class DamagedBox(Exception):
    """The contents are not what dtpy writes."""


@dataclass(frozen=True, slots=True)
class About:
    """Whose rings these are, and their shape."""

    pid: int
    command: str
    release: str
    quiet: bool
    flowindent: bool
    cpus: int
    stride: int
    """Bytes from a CPU's ring to the next one's."""
    ring_bytes: int
    bufpolicy: str


@dataclass(frozen=True, slots=True)
class Box:
    """A box read back: layouts and probes with all that the consumer needs of them."""

    about: About
    unit: Unit
    plan: Plan
    aggregations: tuple[str, ...]
    """The names of those that the tracing had."""


def encode(about: About, unit: Unit, plan: Plan) -> bytes:
    """The contents of a box: JSON, then providers, modules, functions and names of the probes, a line each."""
    contents = {
        "version": _VERSION,
        "about": asdict(about),
        "ids": [probe[0] for probe in plan.probes],
        "enablings": [_enabling(enabling, unit.clauses[enabling.number], plan) for enabling in plan.enablings],
        "aggregations": [each.aggregation.name for each in unit.aggregations],
    }
    columns = (
        [probe.provider for probe in plan.probes],
        [probe.module for probe in plan.probes],
        [probe.function for probe in plan.probes],
        [probe.name for probe in plan.probes],
    )
    texts = ("\n".join(column).encode("latin-1") for column in columns)
    return _END_OF_COLUMN.join([json.dumps(contents).encode(), *texts])


def _enabling(enabling: Enabling, layout: ClauseLayout, plan: Plan) -> dict[str, object]:
    places = map(plan.places.__getitem__, enabling.ordered) if layout.can_fault else ()  # only faults tell EPIDs
    actions = [written for action in layout.actions if (written := _action(action))]
    return {
        "size": layout.size,
        "epid": enabling.first_epid,
        "places": [*places],
        "actions": actions,
        "speculative": layout.speculative,
    }


def _action(action: Action) -> list[object] | None:
    fields = [[type(field).__name__, *values(field)] for field in map(_without_type, action.fields)]
    match action.statement:
        case acts.Trace():
            return ["trace", None, fields]
        case acts.Record():
            return ["record", None, fields]
        case acts.Exit():
            return ["exit", None, fields]
        case acts.Perform(action=row) if row.name in ("print", "printm", "tracemem"):
            return ["tracemem", None, fields]
        case acts.Perform(action=row) if row.name == "pcap":
            return ["tracemem", None, fields[:2]]  # what was captured, and how much
        case acts.Printf(format=fmt):
            return ["printf", [part if isinstance(part, str) else values(part) for part in fmt.parts], fields]
    return None


def _without_type(field: Field) -> Field:
    """What print() shows by its type is shown as bytes."""
    return BytesField(field.offset, field.size) if isinstance(field, ShownField) else field


def decode(contents: bytes) -> Box:
    """The reverse. Raises DamagedBox. Nothing in it is run, and no field of it lies outside its record."""
    try:
        first, *rest = contents.split(_END_OF_COLUMN)
        read: dict[str, Any] = json.loads(first)
        if read["version"] != _VERSION:
            raise DamagedBox(f"it was written by another version of dtpy (format {read['version']})")
        about = About(**read["about"])
        if any(type(getattr(about, each.name)).__name__ != each.type for each in dataclass_fields(About)):
            raise ValueError("of another type")
        columns = [column.decode("latin-1").split("\n") for column in rest]
        plan = Plan([Probe(*row) for row in zip(read["ids"], *columns, strict=True)] if read["ids"] else [])
        clauses = {}
        for number, each in enumerate(read["enablings"]):
            ordered = tuple(plan.probes[place].id for place in each["places"])
            plan.enablings.append(Enabling(number, _CLAUSE, frozenset(ordered), each["epid"], ordered))
            actions = tuple(_read_action(each["size"], *written) for written in each["actions"])
            clauses[number] = ClauseLayout(_CLAUSE, each["size"], actions, bool(ordered), bool(each["speculative"]))
        largest = max((layout.size for layout in clauses.values()), default=0)
        return Box(about, Unit("", (), clauses, (), largest), plan, tuple(read["aggregations"]))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise DamagedBox("what it says makes no sense") from error


def _read_action(size: int, kind: str, parts: list[Any] | None, fields: list[list[Any]]) -> Action:
    read = tuple(_read_field(size, *field) for field in fields)
    match kind:
        case "trace":
            return Action(acts.Trace(_EXPRESSION), read)
        case "record":
            return Action(acts.Record(acts.StackKey(0, LONG, _NOWHERE)), read)
        case "exit":
            return Action(acts.Exit(_EXPRESSION), read)
        case "tracemem":
            return Action(acts.Perform(ACTIONS["tracemem"], ()), read)
        case "printf":
            fmt = Format(tuple(part if isinstance(part, str) else Conversion(*part) for part in parts or ()))
            return Action(acts.Printf(fmt, ()), read)
    raise ValueError(kind)


def _read_field(size: int, kind: str, *values: Any) -> Field:
    field: Field = _FIELDS[kind](*values)
    match field:
        case IntField(offset=offset, size=1 | 2 | 4 | 8 as length) | TextField(offset=offset, size=length):
            end = offset + length
        case BytesField(offset=offset, size=length):
            end = offset + length
        case StackField(offset=offset, frames=frames):
            end = offset + 8 * frames
        case SymbolField(offset=offset):
            end = offset + 8
        case UserStackField(offset=offset, frames=frames):
            end = offset + 8 + 8 * frames
        case UserSymbolField(offset=offset):
            end = offset + 16
        case NameField() | ConstantField():
            return field
        case _:
            raise ValueError("an integer of an odd size")
    if not 0 < offset < end <= size:
        raise ValueError("a field outside its record")
    return field
