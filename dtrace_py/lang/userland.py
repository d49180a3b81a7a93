"""Memory of a process behind pointers (contract D10): what is found there points there too."""

from __future__ import annotations

from collections.abc import Iterator

from dtrace_py.lang import typed
from dtrace_py.lang.source import Span
from dtrace_py.lang.types import PointerType, Type
from dtrace_py.record import changed


def is_of_process(address: typed.Expr) -> bool:
    """Whether an address is one of a process, by the pointers that it is made from."""
    return any(isinstance(part.type, PointerType) and part.type.user for part in _parts(address))


def _parts(node: typed.Expr) -> Iterator[typed.Expr]:
    """An address and what is added up to it."""
    yield node
    if isinstance(node, typed.Arithmetic):
        yield from _parts(node.left)
        yield from _parts(node.right)


def load(kind: Type, span: Span, address: typed.Expr, bits: tuple[int, int] | None = None) -> typed.Load:
    """What memory holds at an address; a pointer in a process's memory is to its memory."""
    if isinstance(kind, PointerType) and not kind.user and is_of_process(address):
        kind = changed(kind, user=True)
    return typed.Load(kind, span, address, bits)


def pointer(address: typed.Expr, target: Type) -> typed.Expr:
    """An address as a pointer to what is there."""
    return changed(address, type=PointerType(target, is_of_process(address)))
