"""Linking: of one section of compiled functions (``bpf/linkage.h``), for each program those that it needs.

bcc knows only functions that it has rewritten itself. So one such function, the index, is added to the unit: it calls every
program and every callback in order, and the calls tell where these are. It also mentions every map, as does another function
that bcc does not know: bcc writes descriptors into the first only, and the two together tell which placeholder is which map.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

_LOAD_64, _CALL, _JUMP_CLASSES, _EXIT = 0x18, 0x85, (0x05, 0x06), 0x95
_OF_MAP, _OF_SUBPROGRAM, _OF_FUNCTION = 1, 1, 4
"""src_reg of a load of a map's address, of a call of a function of the program, and of a load of such a one's address."""

_NUMBER = 0x5EED_0000_0000_0000
"""A callback's number begins like this, so that no other constant is one."""

INDEX, _TWIN = "linked_index", "linked_maps"
_PROGRAM = re.compile(r"^PROGRAM int (\w+)\(", re.MULTILINE)
_CALLBACK = re.compile(r"^CALLBACK long (\w+)\(([^)]*)\)", re.MULTILINE)
_MAP = re.compile(r"\b(\w+)\.(?:lookup|update|delete|insert)\(")


class Instruction(NamedTuple):
    """struct bpf_insn."""

    code: int
    registers: int
    offset: int
    immediate: int

    @property
    def source(self) -> int:
        return self.registers >> 4

    def packed(self) -> bytes:
        return struct.pack("<BBhi", *self)


class Linked(NamedTuple):
    """A whole program: its code, and where each of its functions begins, by instruction."""

    code: bytes
    functions: dict[int, str]


def concerns(text: str) -> bool:
    """Whether a unit has programs or callbacks that want linking."""
    return bool(_PROGRAM.search(text) or _CALLBACK.search(text))


def prepared(text: str) -> str:
    """The unit with numbers for its callbacks, and with its index."""
    callbacks = _CALLBACK.findall(text)
    numbers = [f"#define {name}_NUMBER {_NUMBER + n:#x}ULL" for n, (name, _) in enumerate(callbacks)]
    maps = sorted(set(_MAP.findall(text)))
    mentions = [f"    all += (u64){name}.lookup(key);" for name in maps]
    calls = [f"    all += {name}(context);" for name in _PROGRAM.findall(text)]
    for name, parameters in callbacks:
        given = ["context" if "*" in each else "round" for each in parameters.split(", ")]
        calls.append(f"    all += {name}({', '.join(given)});")
    added = [
        "",
        f"SUBPROGRAM u64 {_TWIN}(void *key)",
        "{",
        "    u64 all = 0;",
        *mentions,
        "    return all;",
        "}",
        f'__attribute__((section(".bpf.fn.linked"))) int {INDEX}(void *context)',
        "{",
        "    u64 all = 0, round = 0;",
        "    void *key = context;",
        '    asm volatile("" : "+r"(round), "+r"(key), "+r"(context));',
        *mentions,
        f"    all += {_TWIN}(key);",
        *calls,
        "    return all;",
        "}",
        "",
    ]
    return "\n".join([*numbers, text, *added])


MOST_INSTRUCTIONS = 32_767
"""Of a function. Further than this a jump of BPF does not reach; clang 14 would cut its distance to 16 bits without a word."""


class Section:
    """The compiled functions of a unit. ``read(first, count)`` gives instructions, counted from the index's first."""

    def __init__(self, text: str, length: int, read: Callable[[int, int], bytes]) -> None:
        self._read = read
        self._bodies: dict[int, list[Instruction]] = {}
        index = self._decoded(0, length)
        calls = [at + 1 + each.immediate for at, each in enumerate(index) if _calls(each)]
        self._callbacks = [name for name, _ in _CALLBACK.findall(text)]
        names = [_TWIN, *_PROGRAM.findall(text), *self._callbacks]
        if len(calls) != len(names):
            raise ValueError("the index of the compiled unit is not what was asked for")
        self._starts = dict(zip(names, calls, strict=True))
        self._names = {at: name for name, at in self._starts.items()}
        self._ends = self._walked(calls)
        placeholders = [each.immediate for each in self._body(self._starts[_TWIN]) if _loads_map(each)]
        self._maps = dict(zip(placeholders, (each.immediate for each in index if _loads_map(each)), strict=True))

    def __contains__(self, name: str) -> bool:
        return name in self._starts

    def program(self, name: str) -> Linked:
        """The program, and behind it every function that it calls or hands on."""
        order = [self._starts[name]]
        for start in order:  # grows meanwhile
            order += [callee for callee in dict.fromkeys(self._used(start)) if callee not in order]
        places, size = {}, 0
        for start in order:
            places[start] = size
            size += len(self._body(start))
        code = b"".join(each.packed() for start in order for each in self._placed(start, places))
        return Linked(code, {places[start]: self._names.get(start, "function") for start in order})

    # Where functions begin and end

    def _walked(self, starts: list[int]) -> dict[int, int]:
        """Where each function ends, by where it begins: those of the index, and all that they call."""
        known, waiting = set(starts), list(starts)
        ends = {}
        while waiting:
            start = waiting.pop()
            at = furthest = start
            while True:
                each = self._at(at)
                at += 2 if each.code == _LOAD_64 else 1
                if _calls(each) and (callee := at + each.immediate) not in known:
                    known.add(callee)
                    waiting.append(callee)
                if _jumps(each):
                    furthest = max(furthest, at + each.offset)
                if (each.code == _EXIT or each.code == 0x05) and at > furthest:
                    break
                if at - start > MOST_INSTRUCTIONS:  # it will be refused, and where its jumps lead to is not known
                    break
            ends[start] = at
        return ends

    def _at(self, at: int) -> Instruction:
        return Instruction._make(struct.unpack("<BBhi", self._read(at, 1)))

    def _decoded(self, first: int, count: int) -> list[Instruction]:
        return [Instruction._make(each) for each in struct.iter_unpack("<BBhi", self._read(first, count))]

    def _body(self, start: int) -> list[Instruction]:
        if start not in self._bodies:
            self._bodies[start] = self._decoded(start, self._ends[start] - start)
        return self._bodies[start]

    # What a function refers to

    def _used(self, start: int) -> Iterator[int]:
        body = self._body(start)
        for at, each in enumerate(body):
            if _calls(each):
                yield start + at + 1 + each.immediate
            elif (callback := self._callback(body, at)) is not None:
                yield callback

    def _callback(self, body: list[Instruction], at: int) -> int | None:
        """The function whose number is loaded there."""
        each = body[at]
        if each.code != _LOAD_64 or each.source or body[at + 1].immediate & 0xFFFFFFFF != _NUMBER >> 32:
            return None
        start: int = self._starts[self._callbacks[each.immediate]]
        return start

    def _placed(self, start: int, places: dict[int, int]) -> Iterator[Instruction]:
        """A function's instructions, fit for its place in a program."""
        body, second = self._body(start), False
        for at, each in enumerate(body):
            if second:
                second = False
                continue
            here = places[start] + at + 1
            if _calls(each):
                yield each._replace(immediate=places[start + at + 1 + each.immediate] - here)
            elif (callback := self._callback(body, at)) is not None:
                yield each._replace(
                    registers=each.registers & 15 | _OF_FUNCTION << 4, immediate=places[callback] - here
                )
                yield Instruction(0, 0, 0, 0)
                second = True
            elif _loads_map(each):
                yield each._replace(immediate=self._maps.get(each.immediate, each.immediate))
            else:
                yield each


def _calls(each: Instruction) -> bool:
    return each.code == _CALL and each.source == _OF_SUBPROGRAM


def _loads_map(each: Instruction) -> bool:
    return each.code == _LOAD_64 and each.source == _OF_MAP


def _jumps(each: Instruction) -> bool:
    return each.code & 7 in _JUMP_CLASSES and each.code & 0xF0 not in (0x80, 0x90)
