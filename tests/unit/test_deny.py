"""The deny list: every pattern has a reason, and looking it up in bulk gives what matching name by name gives."""

from __future__ import annotations

from dtrace_py.lang.describe import matcher
from dtrace_py.providers.deny import DENIED, denied, reason

NAMES = [
    "vfs_read",
    "bpf_prog_run",
    "__bpf_trace_run2",
    "rcu_read_lock",
    "call_rcu",
    "sysfs_kf_bin_read",
    "ftrace_stub",
    "x",
]


def test_bulk_and_single_matching_agree() -> None:
    one_by_one = {name for name in NAMES if any(matcher(pattern)(name) for pattern in DENIED)}
    assert (
        denied(NAMES, frozenset()) == one_by_one == {"bpf_prog_run", "__bpf_trace_run2", "rcu_read_lock", "ftrace_stub"}
    )


def test_the_kernel_s_own_list_is_added() -> None:
    assert denied(NAMES, frozenset({"x"})) - denied(NAMES, frozenset()) == {"x"}
    assert reason("x") == "the kernel refuses probes there (kprobes blacklist)"


def test_every_pattern_has_a_reason() -> None:
    assert all(len(why) > 10 for why in DENIED.values())
    assert "RCU" in reason("rcu_read_lock")
