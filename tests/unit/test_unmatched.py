"""What is said of a description that matches nothing."""

from __future__ import annotations

import pytest

from dtrace_py.lang.describe import parse_description
from dtrace_py.lang.source import Field
from dtrace_py.providers.dtrace import DtraceProvider
from dtrace_py.providers.fbt import FbtProvider
from dtrace_py.providers.profile import ProfileProvider
from dtrace_py.providers.registry import Registry
from dtrace_py.providers.syscall import SyscallProvider
from dtrace_py.providers.unmatched import hint

FUNCTIONS = [("vfs_read", "vmlinux"), ("vfs_write", "vmlinux"), ("rcu_read", "vmlinux"), ("ext4_sync.isra.0", "ext4")]
CALLS = {0: "read", 1: "write", 257: "openat"}

HINTS = {
    "dtrace:::BEGN": "did you mean dtrace:::BEGIN?",
    "fbt::vfs_raed:entry": "did you mean fbt::vfs_read:entry or fbt::vfs_write:entry?",
    "fbt::ext4_sync:return": "did you mean fbt::ext4_sync.isra.0:return?",
    "fbt::vfs_read:exit": "did you mean fbt::vfs_read:entry or fbt::vfs_read:return?",
    "fbt::vfs_read:entrie": "did you mean fbt::vfs_read:entry?",
    "fbt:ext4:vfs_read:entry": "did you mean fbt:vmlinux:vfs_read:entry?",
    "syscall::vfs_read:entry": "did you mean fbt::vfs_read:entry?",
    "syscal::read:": "did you mean syscall::read:?",
    "nosuch:::tick-1": "did you mean profile:::tick-1?",
    "fbt::schedule:entry": "schedule exists but cannot be traced: the kernel does not list it as a function to trace (notrace)",
    "fbt::rcu_read:entry": (
        "rcu_read exists but cannot be traced: a handler here runs while RCU does not watch this CPU, or inside RCU's own "
        "bookkeeping"
    ),
    "fbt::get_page:entry": "this kernel has no function get_page: it may be inlined wherever it is called",
    "fbt::get_*:entry": None,
    "proc:::exec-success": "the provider proc is not implemented (yet)",
    "pid99999999999:libc::entry": "no process has such a number",
    "app123:libc::entry": "the provider app123 is not implemented (yet)",
    "nothing:like:it:here": None,
}


@pytest.mark.parametrize("text", HINTS)
def test_hint(text: str) -> None:
    providers = Registry(
        (
            DtraceProvider(),
            ProfileProvider(),
            SyscallProvider(lambda: CALLS),
            FbtProvider(lambda: FUNCTIONS, frozenset, lambda name: name == "schedule"),
        )
    )
    description = parse_description(text, Field.NAME)
    assert not providers.matching(description)
    assert hint(description, providers) == HINTS[text]
