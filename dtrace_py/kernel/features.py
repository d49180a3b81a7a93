"""What the running kernel can do, found out by trying it."""

from __future__ import annotations

import ctypes
import struct

from dtrace_py.kernel import bpf
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
