"""What of a checked clause decides the code that is made of it: two that differ in nothing else need it once."""

from __future__ import annotations

from dtrace_py.lang import acts, typed
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import IntType, PointerType
from dtrace_py.record import values


def essence(node: object, shown: bool = False) -> object:
    """The node without places, and without the names of types unless they are ``shown``, as by print()."""
    match node:
        case Span():
            return None
        case IntType(size=size, signed=signed) if not shown:
            return "integer", size, signed
        case PointerType(user=user) if not shown:
            return "pointer", user
        case _ if isinstance(node, typed.Typed | acts.Act | typed.Member | acts.RecordedKey):
            shown = shown or (isinstance(node, acts.Perform) and node.action.name == "print")
            return type(node).__name__, *(essence(part, shown) for part in values(node))
        case tuple() if not hasattr(node, "_fields"):
            return tuple(essence(part, shown) for part in node)
    return node
