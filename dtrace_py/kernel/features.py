"""What the running kernel can do, found out by trying it."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from dtrace_py.kernel import bpf, perf
from dtrace_py.kernel.requirements import TRACEFS
from dtrace_py.lang.facts import TypeSource
from dtrace_py.lang.types import StructType
from dtrace_py.record import record

AddressOf = Callable[[str], int | None]
"""The address of a symbol of the kernel."""

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
"""A function of kernels (5.14 and newer) whose ftrace hands the registers to every tracer."""

_PLAIN = {
    "/proc/sys/kernel/ftrace_enabled": ("1",),
    "options/func_stack_trace": ("0",),
    "options/func-no-repeats": ("0",),
}
"""ftrace while its function tracers, of all instances, call ``function_trace_call``. A file that there is not does not matter."""

_IDLE_TOP = {
    "current_tracer": ("nop",),
    "set_event": ("", "bpf_trace:bpf_trace_printk"),  # what BPF's own printing leaves enabled
    "set_ftrace_filter": ("#### all functions enabled ####",),
    "set_ftrace_notrace": ("#### no functions disabled ####",),
    "set_ftrace_pid": ("no pid",),
    "set_ftrace_notrace_pid": ("no pid",),
    "set_graph_function": ("#### all functions enabled ####",),
    "set_graph_notrace": ("#### no functions disabled ####",),
    "max_graph_depth": ("0",),
    "function_profile_enabled": ("0",),
}
"""ftrace's top instance while nobody uses it."""


def function_tracer(address_of: AddressOf, cpus: Sequence[int]) -> int | None:
    """The address of what ftrace's function tracer calls with the function, its caller, and its registers; None where breakpoints
    cannot be put there, on all these CPUs."""
    address = address_of("function_trace_call")
    if address is None or address_of(_TELLS_REGISTERS) is None or not Path(TRACEFS, "instances").exists():
        return None
    return address if not _other_than(_PLAIN) and _breaks([address], cpus, address_of) else None


def graph_tracer(address_of: AddressOf, types: TypeSource, cpus: Sequence[int]) -> dict[str, int] | None:
    """The addresses of what ftrace's graph tracer calls at entry, as the function tracer is, and at return.

    None where breakpoints cannot be put there.
    """
    entry, return_ = address_of("ftrace_graph_func"), address_of("ftrace_return_to_handler")
    if entry is None or return_ is None or not _keeps_places(types):
        return None
    return {"entry": entry, "return": return_} if _breaks([entry, return_], cpus, address_of) else None


def uses_ftrace() -> str | None:
    """The file that says that somebody uses ftrace's top instance, where the only graph tracer is; None if nobody does."""
    return _other_than(_PLAIN) or _other_than(_IDLE_TOP)


def _other_than(wanted: Mapping[str, tuple[str, ...]]) -> str | None:
    """The first of these files that says anything else."""
    for name, values in wanted.items():
        try:
            if Path(TRACEFS, name).read_text().strip() not in values:
                return name
        except OSError:
            continue
    return None


def _keeps_places(types: TypeSource) -> bool:
    """Whether threads keep the functions that they are to return from in the old way (until 6.10), and where each began."""
    returns = types.member(StructType("struct task_struct"), "ret_stack")
    place = types.member(StructType("struct ftrace_ret_stack"), "retp")
    return returns is not None and str(returns.type) == "struct ftrace_ret_stack *" and place is not None


_TRIED = "__x64_sys_getppid"
"""A function that this process can make the kernel call."""


def _breaks(addresses: Sequence[int], cpus: Sequence[int], address_of: AddressOf) -> bool:
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
            for cpu in cpus:
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
