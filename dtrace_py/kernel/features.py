"""What the running kernel can do, found out by trying it."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from pathlib import Path

from dtrace_py.kernel import bpf, perf
from dtrace_py.kernel.requirements import TRACEFS
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
    try:
        with bpf.owned(perf.breakpoint_at(cpu, address)):
            return address
    except OSError:
        return None


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
