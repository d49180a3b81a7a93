"""Calls of subroutines in C (contract section 7): how each is said, as a table, and what the arguments become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen.operands import Buffer, Number, constant, loading
from dtrace_py.lang import typed
from dtrace_py.record import record

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions


@record
class Row:
    """How a subroutine is called.

    In ``c``, {0} {1} {2} are the arguments; {null0} says whether a string is NULL, which it may be then; {to} is where the
    resulting string is made. Other names are memory of the frame. The headers are those of bpf/ that it needs.
    """

    headers: tuple[str, ...]
    c: str
    result: str = "text"
    """text: a string; some: a string, or NULL if C says 0; room: a string, or a fault if C says 0; statement: a macro that
    makes a string or faults. Others are C types of numbers."""
    omitted: str = "0"
    """What an optional argument is that is not given."""
    check: str = ""
    """A macro that faults, before the call."""


_CUTS, _PATHS, _SEARCH = ("parts", "cuts"), ("parts", "paths"), ("parts", "search")
_DIGITS, _ADDRESSES = ("parts", "digits"), ("parts", "addresses")

ROWS = {
    "basename": Row(_PATHS, "path_base({to}, {0})"),
    "cleanpath": Row(_PATHS, "path_clean({to}, {0}, &{cleaning})"),
    "dirname": Row(_PATHS, "path_directory({to}, {0})"),
    "getmajor": Row((), "(u64)(u32)({0}) >> 20", "u64"),
    "getminor": Row((), "(u64)({0}) & 0xfffff", "u64"),
    "htonl": Row((), "(u64)__builtin_bswap32({0})", "u64"),
    "htonll": Row((), "__builtin_bswap64({0})", "u64"),
    "htons": Row((), "(u64)__builtin_bswap16({0})", "u64"),
    "index": Row(_SEARCH, "string_index({0}, {1}, &{search}, {2})", "s64"),
    "inet_ntoa": Row(_ADDRESSES, "LOAD_ADDRESS_4({to}, &{address}, {0})", "statement"),
    "inet_ntoa6": Row(_ADDRESSES, "LOAD_ADDRESS_6({to}, &{address}, {0}, !({1}))", "statement"),
    "inet_ntop": Row(_ADDRESSES, "LOAD_ADDRESS({to}, &{address}, {0}, {1})", "statement"),
    "json": Row(("parts", "json"), "string_of_json({to}, &{json}, {0}, {1})", "some"),
    "link_ntop": Row(_ADDRESSES, "LOAD_ADDRESS_OF_LINK({to}, &{address}, {0}, {1})", "statement"),
    "lltostr": Row(_DIGITS, "string_of_number({to}, &{digits}, {0}, {1})", omitted="10", check="CHECK_BASE({1});"),
    "memstr": Row(_CUTS, "LOAD_SEPARATED({to}, {0}, {1}, {2})", "statement"),
    "ntohl": Row((), "(u64)__builtin_bswap32({0})", "u64"),
    "ntohll": Row((), "__builtin_bswap64({0})", "u64"),
    "ntohs": Row((), "(u64)__builtin_bswap16({0})", "u64"),
    "rand": Row((), "(s32)bpf_get_prandom_u32()", "int"),
    "rindex": Row(_SEARCH, "string_rindex({0}, {1}, &{search}, {2})", "s64", omitted="STRING_BYTES"),
    "strchr": Row(_SEARCH, "string_from_character({to}, {0}, {1}, 0)", "some"),
    "strjoin": Row(_CUTS, "string_join({to}, {0}, {1})", "room"),
    "strlen": Row(("parts",), "string_length({0})", "u64"),
    "strrchr": Row(_SEARCH, "string_from_character({to}, {0}, {1}, 1)", "some"),
    "strstr": Row(_SEARCH, "string_from_string({to}, {0}, {1}, &{search})", "some"),
    "strtok": Row(("parts", "tokens"), "string_token({to}, &{tokens}, {0}, {null0}, {1})", "some"),
    "strtoll": Row(_DIGITS, "number_of_string({0}, {1}, &{number})", "s64", omitted="10", check="CHECK_BASE({1});"),
    "substr": Row(_CUTS, "string_substr({to}, {0}, {1}, {2})", omitted="STRING_BYTES"),
    "tolower": Row(_CUTS, "string_in_case({to}, {0}, 'A')"),
    "toupper": Row(_CUTS, "string_in_case({to}, {0}, 'a')"),
}

_NUMBERS = ("int", "s64", "u64")

HEADERS = ("parts", "search", "cuts", "paths", "tokens", "digits", "addresses", "json")
"""Their order in a unit."""

SCRATCH = {
    "address": "struct address address;",
    "cleaning": "struct cleaning cleaning;",
    "digits": "struct digits digits;",
    "json": "struct json json;",
    "number": "struct number number;",
    "search": "struct search search;",
    "tokens": "struct tokens tokens;",
}
"""Members of the temporaries, by the need that asks for them."""


def number(make: Expressions, call: typed.Call) -> Number:
    """The value of a call that is a number."""
    row = ROWS[call.subroutine.name]
    if call.subroutine.name == "strlen" and (known := _length(make, call.arguments[0])):
        return known
    return Number(_called(make, call, row, ""), row.result, loose=True)


def buffer(make: Expressions, call: typed.Call) -> Buffer:
    """The value of a call that is a string."""
    row, to, size = ROWS[call.subroutine.name], make.strings.temporary(), make.environment.bound
    if row.result == "room":
        make.strings.temporary()  # the verifier sees that far, though nothing goes there
    c = _called(make, call, row, to)
    if row.result == "some":
        found = make.save(Number(c, "u64"))
        return Buffer(to, size, null=f"!{found}")
    make.writer.line(f"CHECK_ROOM({c});" if row.result == "room" else f"{c};")
    return Buffer(to, size)


def _called(make: Expressions, call: typed.Call, row: Row, to: str) -> str:
    """The call in C, behind statements that evaluate its arguments."""
    environment = make.environment
    environment.headers.update(row.headers)
    places = {"to": to}
    for position, argument in enumerate(make.keys(call.arguments)):
        if isinstance(argument, Number):
            places[str(position)] = argument.text
            continue
        if f"{{null{position}}}" in row.c:
            places[f"null{position}"] = argument.null or "0"
        elif argument.null:
            make.writer.line(f"CHECK_STRING({argument.null});")
        places[str(position)] = make.strings.full(argument).text
    for position in range(len(call.arguments), len(call.subroutine.prototype.parameters)):
        places[str(position)] = row.omitted
    for name in SCRATCH:
        if f"{{{name}}}" in row.c:
            environment.needs.add(name)
            places[name] = f"f->frame->temporaries.{name}"
    if row.check:
        make.writer.line(_filled(row.check, places))
    return _filled(row.c, places)


def _filled(c: str, places: dict[str, str]) -> str:
    for name, text in places.items():
        c = c.replace(f"{{{name}}}", text)
    return c


def _length(make: Expressions, node: typed.Expr) -> Number | None:
    """strlen() of what may be longer than a string is: as far as strsize (R31)."""
    strsize, writer = make.environment.target.strsize, make.writer
    match node:
        case typed.Text(value=value):
            return constant(min(len(value.split("\0")[0]), strsize))
        case typed.StringAt(address=address, limit=limit) if loading(address) == "LOAD":
            at, length = make.number(address), writer.fresh("length")
            scratch = make.strings.temporary()
            make.strings.temporary()  # for the byte behind
            writer.line(f"s64 {length};")
            writer.line(f"LOAD_LENGTH({length}, {scratch}, {min(limit or strsize, strsize)}, {at.text});")
            return Number(length)
    return None


NUMBERS = {name: number for name, row in ROWS.items() if row.result in _NUMBERS}
"""Subroutines that give a number."""

TEXTS = {name: buffer for name, row in ROWS.items() if row.result not in _NUMBERS}
"""Subroutines that give a string."""
