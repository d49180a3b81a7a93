"""Values as print() shows them: by their type, members on lines of their own (contract U30)."""

from __future__ import annotations

from dtrace_py.codegen.described import Described, Part
from dtrace_py.output import memory, values
from dtrace_py.output.values import Lookup

_INDENT = "    "

_CUT = "..."


def printed(kind: Described, raw: bytes, lookup: Lookup) -> str:
    """``type value``; after a structure's last brace there is no newline. What ``raw`` does not hold is ``...`` (printsize)."""
    text = f"{kind.name} {_value(kind, raw, 0, lookup)}"
    return text if kind.kind == "struct" else f"{text}\n"


def _value(kind: Described, raw: bytes, depth: int, lookup: Lookup) -> str:
    """A value whose type's name stands in a line that is so deep; at 0, the outermost."""
    number = int.from_bytes(raw[:8], "little")
    if len(raw) < kind.size and kind.kind not in ("array", "string", "struct"):
        return _CUT
    match kind.kind:
        case "char":
            return _character(raw[0])
        case "enum":
            return _enumerator(kind, number)
        case "float":
            return _floating(raw)
        case "function":
            return _function(number, lookup)
        case "string":
            return _quoted(raw, depth)
        case "array":
            return _array(kind, raw, depth, lookup)
        case "struct":
            return _structure(kind, raw, depth, lookup)
    return _hexadecimal(number)


def _hexadecimal(number: int) -> str:
    return f"{number:#x}" if number else "0"


def _character(code: int) -> str:
    if 32 <= code < 127:
        return f"'{chr(code)}'"
    return f"'\\{code:03o}'" if code else "'\\0'"


def _enumerator(kind: Described, number: int) -> str:
    value = values.as_signed(number, kind.size) if kind.signed else number
    return next((name for name, each in kind.values if each == value), str(value))


def _floating(raw: bytes) -> str:
    sign, digits = memory.floating_text(raw, "e", "+", 16 if len(raw) == 16 else 7)
    return sign + (digits.replace("e", "E") if len(raw) == 16 else digits)


def _function(number: int, lookup: Lookup) -> str:
    found = lookup(number)
    return f"{found[0]}`{found[1]}" if found else _hexadecimal(number)


def _quoted(raw: bytes, depth: int) -> str:
    """Text in quotes; in brackets too unless it is the outermost."""
    text = raw.split(b"\0", 1)[0].decode("latin-1")
    return f'[ "{text}" ]' if depth else f'"{text}"'


def _array(kind: Described, raw: bytes, depth: int, lookup: Lookup) -> str:
    (part,) = kind.parts
    element = part.type
    text, end, _ = raw.partition(b"\0")
    if element.kind == "char" and end and all(32 <= byte < 127 for byte in text):
        return _quoted(raw, depth)
    starts = [at * element.size for at in range(kind.count) if at * element.size < len(raw) or not element.size]
    pieces = [raw[start : start + element.size] for start in starts]
    rest = [_CUT] if len(pieces) < kind.count else []
    if element.kind != "struct":
        return f"[ {', '.join([*(_value(element, each, 0, lookup) for each in pieces), *rest])} ]"
    indent = _INDENT * (depth + 1)
    shown = [f"\n{indent}{element.name} {_structure(element, each, depth + 1, lookup)}" for each in pieces]
    shown += [f"\n{indent}{_CUT}" for _ in rest]
    return f"[ {', '.join(shown)}\n{_INDENT * depth}]"


def _structure(kind: Described, raw: bytes, depth: int, lookup: Lookup) -> str:
    indent = _INDENT * (depth + 1)
    held = [part for part in kind.parts if part.at // 8 < len(raw) or len(raw) >= kind.size]
    lines = [f"{indent}{_member(part, raw, depth + 1, lookup)}\n" for part in held]
    lines += [f"{indent}{_CUT}\n"] if len(held) < len(kind.parts) else []
    return f"{{\n{''.join(lines)}{_INDENT * depth}}}"


def _member(part: Part, raw: bytes, depth: int, lookup: Lookup) -> str:
    """``type name = value``; a ``*`` and a name are written together."""
    kind, start = part.type, part.at // 8
    if part.width:
        bits = int.from_bytes(raw[start : start + 9], "little") >> part.at % 8 & (1 << part.width) - 1
        value = _hexadecimal(bits)
    else:
        value = _value(kind, raw[start : start + kind.size], depth, lookup)
    if not part.name:
        return f"{kind.name} {value}"
    gap = "" if kind.name[-1] in "* " else " "
    return f"{kind.name}{gap}{part.name}{f' :{part.width}' if part.width else ''} = {value}"
