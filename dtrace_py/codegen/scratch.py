"""Memory of a clause's own, and of the current process: alloca(), bcopy(), copyin() and their kin, stores through pointers.

Scratch memory is part of the frame (bpf/scratch.h); its addresses are numbers, and what may be written there is checked when
it comes to that (contract R1 to R8, V11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen.arithmetic import arithmetic
from dtrace_py.codegen.dynamic import is_memory
from dtrace_py.codegen.operands import Buffer, Number, constant, storage_type, stored
from dtrace_py.lang import typed
from dtrace_py.lang.types import StringType

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions


def alloca(make: Expressions, call: typed.Call) -> Number:
    """R1: any size that does not fit is too much, also one below 0, which is a large one."""
    (size,) = _arguments(make, call)
    return _allocated(make, size)


def copyin(make: Expressions, call: typed.Call) -> Number:
    """R5."""
    address, size = _arguments(make, call)
    _check_sign(make, size)
    place = _allocated(make, size)
    _check(make, f"!scratch_read_user(f, {place}, {size}, {address})", "BADADDR", address)
    return place


def copyinto(make: Expressions, call: typed.Call) -> Number:
    """R7."""
    address, size, to = _arguments(make, call)
    _check_target(make, to, size)
    _check(make, f"!scratch_read_user(f, {to}, {size}, {address})", "BADADDR", address)
    return constant(0)


def bcopy(make: Expressions, call: typed.Call) -> Number:
    """R3."""
    address, to, size = _arguments(make, call)
    _check_target(make, to, size)
    _check(make, f"!scratch_read(f, {to}, {size}, {address})", "BADADDR", address)
    return constant(0)


def memref(make: Expressions, call: typed.Call) -> Number:
    """R23: an address and how much is there, side by side."""
    address, size = _arguments(make, call)
    place = _allocated(make, constant(16))
    make.writer.line(f"CHECKED_STORE(u64, {place}, {address.text});")
    make.writer.line(f"CHECKED_STORE(u64, {place} + 8, {size.text});")
    return place


def copyinstr(make: Expressions, call: typed.Call) -> Buffer:
    """R6: the limit counts the terminator."""
    address, *limits = arguments(make, call)
    to, size, most = make.strings.temporary(), make.environment.bound, make.environment.target.strsize
    limit = most
    if limits and limits[0].constant is not None:
        limit = min(limits[0].constant % (1 << 64), most)
    if not limits or limits[0].constant is not None:
        make.writer.line(f"LOAD_USER_STRING({to}, {size}, {limit}, {address.text});")
        return Buffer(to, size)
    name = make.writer.fresh("limit")
    make.writer.line(f"u64 {name} = {limits[0].text};")
    make.writer.line(f"HIDE({name});")
    make.writer.line(f"if ({name} > {most})")
    make.writer.line(f"    {name} = {most};")
    make.writer.line(f"LOAD_USER_STRING({to}, {size}, {name}, {address.text});")
    return Buffer(to, size)


NUMBERS = {"alloca": alloca, "bcopy": bcopy, "copyin": copyin, "copyinto": copyinto, "memref": memref}
"""Subroutines that give a number, or nothing."""

TEXTS = {"copyinstr": copyinstr}
"""Subroutines that give a string."""


def store(make: Expressions, node: typed.Store) -> Number:
    """A store through a pointer into scratch memory; its value is what is there then, or with ``postfix`` was before."""
    target = node.target
    assert isinstance(target, typed.Load)
    make.needs.add("scratch")
    address = make.save(make.number(target.address))
    if isinstance(node.type, StringType):
        return _store_string(make, address, node.value)
    if is_memory(node.type):
        return _store_memory(make, address, node.value)
    kind = storage_type(node.type)
    if node.op is None:
        before = constant(0)
        value = make.number(node.value)
    else:
        before = make.save(stored(_loaded(make, kind, address), target.type, target.bits))
        value = arithmetic(make, node.op, before, make.number(node.value), node.type)
    new = make.writer.fresh()
    make.writer.line(f"{kind} {new} = {value.text};")
    if target.bits is None:
        make.writer.line(f"CHECKED_STORE({kind}, {address.text}, {new});")
        return before if node.postfix else stored(new, node.type)
    shift, width = target.bits
    around = _loaded(make, kind, address)
    mask = (1 << width) - 1 << shift
    kept = f"(u64){around} & {~mask & (1 << 64) - 1:#x}ULL"
    make.writer.line(f"{new} = ({kept}) | ((u64){new} << {shift} & {mask:#x}ULL);")
    make.writer.line(f"CHECKED_STORE({kind}, {address.text}, {new});")
    return before if node.postfix else make.save(stored(new, target.type, target.bits))


def _loaded(make: Expressions, kind: str, address: Number) -> str:
    """A C variable of what is at an address, bit-fields and all."""
    name = make.writer.fresh()
    make.writer.line(f"{kind} {name};")
    make.writer.line(f"LOAD({name}, {address.text});")
    return name


def _store_string(make: Expressions, address: Number, value: typed.Expr) -> Number:
    """Returns where the string is that has been stored, not a number."""
    to, size = make.strings.temporary(), constant(make.environment.target.strsize)
    make.strings.copy(to, make.environment.bound, make.strings.buffer(value))
    _check_target(make, address, size)
    _check(make, f"!scratch_read(f, {address}, {size}, (u64){to})", "BADADDR", address)
    return Number(to)


def _store_memory(make: Expressions, address: Number, value: typed.Expr) -> Number:
    """The same of a structure."""
    source, size = make.memory.value(value), constant(make.environment.size(value.type))
    _check_target(make, address, size)
    _check(make, f"!scratch_read(f, {address}, {size}, (u64){source})", "BADADDR", address)
    return Number(source)


def _arguments(make: Expressions, call: typed.Call) -> list[Number]:
    make.needs.add("scratch")
    return arguments(make, call)


def arguments(make: Expressions, call: typed.Call) -> list[Number]:
    """The arguments, each evaluated once and in order; a string is its characters' address."""
    return [
        _characters(make, argument) if isinstance(argument.type, StringType) else make.save(make.number(argument))
        for argument in call.arguments
    ]


def _characters(make: Expressions, string: typed.Expr) -> Number:
    """The address of a string's characters: of a copy, which stays what it is while other arguments are evaluated."""
    to, size = make.strings.temporary(), make.environment.bound
    make.strings.copy(to, size, make.strings.buffer(string))
    return Number(f"(u64){to}", "u64", loose=True)


def _allocated(make: Expressions, size: Number) -> Number:
    place = make.writer.fresh()
    make.writer.line(f"u64 {place} = scratch_allocate(f, {size.text});")
    _check(make, place, "NOSCRATCH", constant(0))
    return Number(place, "u64")


def _check_target(make: Expressions, to: Number, size: Number) -> None:
    """Fault unless so many bytes may be written there."""
    _check(make, f"(u64){size} <= SCRATCH_BYTES", "BADSIZE", size)
    _check(make, f"scratch_holds(f, {to}, {size})", "BADADDR", to)


def _check_sign(make: Expressions, size: Number) -> None:
    if size.constant is None or not 0 <= size.constant < 1 << 63:
        _check(make, f"(s64){size} >= 0", "BADSIZE", size)


def _check(make: Expressions, condition: str, code: str, value: Number) -> None:
    make.writer.line(f"CHECK({condition}, {code}, {value.text});")
