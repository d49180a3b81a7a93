"""What the running kernel can do, found out by trying it."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from dtrace_py.kernel import bpf, perf
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.lang.facts import TypeSource
from dtrace_py.lang.types import StructType
from dtrace_py.record import record

_PROG_LOAD, _KPROBE = 5, 2
_RETURN_0 = struct.pack("<BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0)
"""r0 = 0; exit"""


@record
class FunctionLinks:
    """How functions can be attached: in one link (Linux 5.18, CONFIG_FPROBE), entry and return together (6.10)."""

    multi: bool
    session: bool


def function_links(address: int) -> FunctionLinks:
    """Find out by linking a program that does nothing to the function at that address."""
    multi = _links(bpf.KPROBE_MULTI, address)
    return FunctionLinks(multi, multi and _links(bpf.KPROBE_SESSION, address))


_TELLS_REGISTERS = "arch_ftrace_ops_list_func"
"""A function of kernels whose ftrace hands the registers to every tracer."""


def function_tracer(address_of: Callable[[str], int | None], cpu: int) -> int | None:
    """The address of what ftrace's function tracer calls with the function, its caller, and its registers, found by putting a
    breakpoint there; None where that cannot be done."""
    address = address_of("function_trace_call")
    if address is None or address_of(_TELLS_REGISTERS) is None or not Path(TRACEFS, "instances").exists():
        return None
    return address if _breaks([address], cpu, address_of) else None


_UNUSED = {
    "current_tracer": "nop",
    "events/enable": "0",
    "set_ftrace_filter": "#### all functions enabled ####",
    "set_ftrace_notrace": "#### no functions disabled ####",
    "set_ftrace_pid": "no pid",
    "set_ftrace_notrace_pid": "no pid",
    "set_graph_function": "#### all functions enabled ####",
    "set_graph_notrace": "#### no functions disabled ####",
    "max_graph_depth": "0",
}
"""ftrace's top instance while nobody uses it."""


def graph_tracer(address_of: Callable[[str], int | None], types: TypeSource, cpu: int) -> dict[str, int] | None:
    """The addresses of what ftrace's graph tracer calls at entry, as the function tracer is, and at return.

    None where breakpoints cannot be put there, or somebody uses ftrace: there is one graph tracer.
    """
    entry, return_ = address_of("ftrace_graph_func"), address_of("ftrace_return_to_handler")
    if entry is None or return_ is None or not _keeps_places(types):
        return None
    try:
        if any(Path(TRACEFS, name).read_text().strip() != unused for name, unused in _UNUSED.items()):
            return None
    except OSError:
        return None
    return {"entry": entry, "return": return_} if _breaks([entry, return_], cpu, address_of) else None


def _keeps_places(types: TypeSource) -> bool:
    """Whether threads keep the functions that they are to return from in the old way (until 6.10), and where each began."""
    returns = types.member(StructType("struct task_struct"), "ret_stack")
    place = types.member(StructType("struct ftrace_ret_stack"), "retp")
    return returns is not None and str(returns.type) == "struct ftrace_ret_stack *" and place is not None


_TRIED = "__x64_sys_getppid"


def _breaks(addresses: Sequence[int], cpu: int, address_of: Callable[[str], int | None]) -> bool:
    """Whether breakpoints can be put there, all of them at a time, and whether one at a system call that is then made does
    anything: not every virtual machine has debug registers that do."""
    tried = address_of(_TRIED)
    if tried is None:
        return False
    try:
        with bpf.owned(perf.breakpoint_of_thread(tried)) as event:
            os.getppid()
            if not perf.count(event):
                return False
        with ExitStack() as stack:
            for address in addresses:
                stack.enter_context(bpf.owned(perf.breakpoint_at(cpu, address)))
            return True
    except OSError:
        return False


def _links(attach_type: int, address: int) -> bool:
    addresses = (ctypes.c_uint64 * 1)(address)
    try:
        with (
            bpf.owned(null_program(attach_type)) as program,
            bpf.owned(bpf.link_functions(program, attach_type, addresses, False)),
        ):
            return True
    except OSError:
        return False


def null_program(attach_type: int) -> int:
    """A program of kind KPROBE that returns 0 (struct bpf_attr: expected_attach_type is at 68)."""
    code, license_ = ctypes.create_string_buffer(_RETURN_0), ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("<IIQQ", _KPROBE, 2, ctypes.addressof(code), ctypes.addressof(license_))
    return bpf.call(_PROG_LOAD, attributes + bytes(68 - len(attributes)) + struct.pack("<I", attach_type))
