"""Where a process that -c starts is held (option evaltime): it runs from exec() on to that place, and no further."""

from __future__ import annotations

from dtrace_py.kernel import ptrace
from dtrace_py.process import auxiliary, maps
from dtrace_py.process.elf import Elf
from dtrace_py.process.maps import Mapping
from dtrace_py.process.objects import Objects

_STATE = 24
"""Offset of r_state in struct r_debug, by which a dynamic linker tells debuggers what it is doing."""


def run_to(process: int, when: str, objects: Objects) -> None:
    """From behind exec() on to where ``when`` says, or as far as can be told: programs without symbols are held earlier.

    Raises ptrace.Gone if the process ends on the way.
    """
    mappings = maps.read(process)
    told = auxiliary.read(process)
    program = _object_at(process, mappings, told.entry, objects)
    if when == "exec" or program is None or not program.wide:
        return
    if when == "preinit":
        if told.base:
            _to_initialization(process, told.base, _object_at(process, mappings, told.base, objects))
        return
    # What initializes libraries has run when the program's first instruction does, its own does so right before main().
    bias = program.bias(told.entry)
    mains = [bias + address for address in program.named("main")]
    if not mains and program.dynamic and ptrace.run_to(process, [told.entry]) is not None:
        mains = _told_to_libc(process, objects)
    if mains:
        ptrace.run_to(process, mains)


def _to_initialization(process: int, base: int, linker: Elf | None) -> None:
    """All objects are there and linked, none is initialized: the dynamic linker tells debuggers so."""
    if linker is None or not (told := linker.named("_dl_debug_state")) or not (state := linker.named("_r_debug")):
        return
    while ptrace.run_to(process, [base + address for address in told]) is not None:
        if ptrace.word(process, base + state[0] + _STATE) & 0xFFFFFFFF == 0:
            return


def _told_to_libc(process: int, objects: Objects) -> list[int]:
    """main() of a program that has no symbols: what the C library is told to call."""
    starts = []
    for mapping in maps.read(process):
        if mapping.offset == 0 and (elf := objects.of(mapping, process)):
            starts += [mapping.start + address for address in elf.named("__libc_start_main")]
    if not starts or ptrace.run_to(process, starts) is None:
        return []
    return [ptrace.first_argument(process)]


def _object_at(process: int, mappings: list[Mapping], address: int, objects: Objects) -> Elf | None:
    for mapping in mappings:
        if mapping.start <= address < mapping.end:
            return objects.of(mapping, process)
    return None
