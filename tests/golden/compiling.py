"""Compiling D for tests: a made-up kernel of a few types and symbols, and probes by any name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dtrace_py.lang.compiler import Compiler, Settings
from dtrace_py.lang.definitions import ProbeArgument
from dtrace_py.lang.errors import CompileError, CompileErrors
from dtrace_py.lang.facts import Field, NoTypes, Symbol
from dtrace_py.lang.grammar.macros import Macros
from dtrace_py.lang.program import Program
from dtrace_py.lang.source import Field as Context
from dtrace_py.lang.source import Source, Span
from dtrace_py.lang.types import CHAR, INT, UINT64, ArrayType, EnumType, FunctionType, PointerType, StructType, Type

TASK, FORWARD, PATH = StructType("struct task_struct"), StructType("struct forward"), StructType("struct path")
STATE = EnumType("enum state", 4, False, (), (("IDLE", 0), ("BUSY", 1)))

_STRUCTS: dict[StructType, tuple[tuple[str, Field], ...]] = {
    TASK: (
        ("pid", Field(INT, 0)),
        ("parent", Field(PointerType(TASK), 64)),
        ("comm", Field(ArrayType(CHAR, 16), 128)),
        ("flag", Field(INT, 256, 1)),
        ("state", Field(STATE, 288)),
        ("next", Field(PointerType(FORWARD), 320)),
        ("marks", Field(ArrayType(INT, 4), 384)),
        ("path", Field(PATH, 512)),
        ("call", Field(PointerType(FunctionType()), 576)),
    ),
    PATH: (("mnt", Field(UINT64, 0)),),
}

_SYMBOLS: dict[str, tuple[Type, int]] = {
    "jiffies_64": (UINT64, 8),
    "init_task": (TASK, 88),
    "vfs_read": (FunctionType(), 512),
}


class Kernel(NoTypes):
    """A TypeSource of what is above."""

    def tagged(self, name: str, module: str = "") -> Type | None:
        return next((kind for kind in _STRUCTS if kind.name == name and module in ("", "vmlinux")), None)

    def size(self, kind: StructType) -> int | None:
        fields = _STRUCTS.get(kind)
        return fields[-1][1].bit_offset // 8 + 8 if fields else None

    def member(self, kind: StructType, name: str) -> Field | None:
        return dict(_STRUCTS.get(kind, ())).get(name)

    def members(self, kind: StructType) -> tuple[tuple[str, Field], ...]:
        return _STRUCTS[kind]

    def enumerator(self, name: str) -> tuple[int, EnumType] | None:
        values = dict(STATE.values)
        return (values[name], STATE) if name in values else None

    def symbol(self, name: str, module: str = "") -> Symbol | None:
        if name not in _SYMBOLS or module not in ("", "vmlinux"):
            return None
        kind, size = _SYMBOLS[name]
        return Symbol(name, "vmlinux", 0, kind, size)


def arguments(probe: tuple[str, int]) -> tuple[ProbeArgument, ...]:
    """args[] of a probe: its first is a task, its second a number; the second probe of several has only the first.

    Where the function is called ``translated``, its first is made a path of."""
    text, number = probe
    if "BEGIN" in text:
        return ()
    if "translated" in text:
        return (ProbeArgument(0, PointerType(TASK), PointerType(PATH)),)
    both = (ProbeArgument(0, PointerType(TASK)), ProbeArgument(1, INT))
    return both[: 2 - number]


def _match(texts: tuple[str, ...], places: tuple[Span, ...], context: Context) -> Sequence[Sequence[Any]]:
    """One probe for each description, or two where its function is left open."""
    return [[(text, number) for number in range(1 + (":::e" in text))] for text in texts]


_NUMBERS = {"strsize": 256, "stackframes": 20, "ustackframes": 20, "jstackframes": 50}
_NUMBERS |= {"jstackstrsize": 512, "maxframes": 127, "scratchsize": 256}


def compiled(text: str) -> tuple[list[CompileError], Program]:
    """What is wrong with a script, and the program that it makes."""
    settings = Settings(_NUMBERS.__getitem__, lambda name: False, lambda name, value: None)
    compiler = Compiler(Kernel, settings, _match, arguments)
    try:
        compiler.compile(Source(text, path="test.d"), Macros({"target": 0}))
    except CompileErrors as several:
        return list(several.errors), compiler.program
    except CompileError as error:
        return [error], compiler.program
    return [], compiler.program
