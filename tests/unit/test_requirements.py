"""What is missing is told in one sentence that names the fix."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dtrace_py.errors import DtpyError, UsageError
from dtrace_py.kernel import requirements
from dtrace_py.kernel.ksyms import Symbols
from dtrace_py.kernel.types import KernelTypes
from dtrace_py.runtime import loader
from tests.case import run


def test_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for arguments in (["-n", "BEGIN"], ["-l"]):
        outcome = run(arguments)
        assert outcome.status == 2
        assert outcome.stderr == "dtpy: run as root for tracing and listing probes\n"
    assert run(["-e", "-n", "BEGIN"]).status == 0, "compiling needs no root"
    with pytest.raises(UsageError):
        requirements.require_root()


def test_bcc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bcc", None)
    with pytest.raises(DtpyError, match=r"bcc's Python module is missing: install python3-bpfcc, "):
        loader._import_bcc()


def test_tracefs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements, "_EVENTS", str(tmp_path / "events"))
    monkeypatch.setattr(requirements, "_has_tracefs", lambda: True)
    with pytest.raises(DtpyError, match=r"^tracefs is not mounted: mount -t tracefs nodev /sys/kernel/tracing$"):
        requirements.require_tracefs()
    monkeypatch.setattr(requirements, "_has_tracefs", lambda: False)
    with pytest.raises(DtpyError, match=r"^this kernel was built without tracefs: use another kernel, or a guest"):
        requirements.require_tracefs()


def test_kprobes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements, "_EVENTS", str(tmp_path))
    monkeypatch.setattr(requirements, "_FUNCTIONS", str(tmp_path / "available_filter_functions"))
    with pytest.raises(
        DtpyError, match=r"without kprobes and ftrace, so fbt has no probes: use another kernel, or a guest"
    ):
        requirements.require_kprobes()


def test_btf(tmp_path: Path) -> None:
    with pytest.raises(DtpyError, match=r"without BTF \(CONFIG_DEBUG_INFO_BTF\), its own types: use another kernel"):
        KernelTypes(Symbols, tmp_path / "vmlinux").tagged("struct task_struct")


def test_kernel_addresses(tmp_path: Path) -> None:
    hidden = tmp_path / "kallsyms"
    hidden.write_text("0000000000000000 T _text\n0000000000000000 T vfs_read\n")
    with pytest.raises(DtpyError, match=r"hides its addresses: run as root, and set kernel.kptr_restrict to 0 or 1"):
        Symbols(hidden).address("_text")


def test_compiling_passes_over_what_cannot_be_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements, "_EVENTS", str(tmp_path / "events"))
    monkeypatch.setattr(requirements, "_has_tracefs", lambda: True)
    warning = "dtpy: warning: descriptions of fbt probes were not checked: tracefs is not mounted: mount <any>\n"
    everything = "fbt::nosuch:entry, syscall::read:entry, BEGIN, 20001 { trace(1) } fbt:::return"
    assert run(["-en", everything]).stderr == warning.replace("<any>", "-t tracefs nodev /sys/kernel/tracing")
    assert run(["-en", "dtrace:::, syscall::read:entry, tick-1"]).stderr == "", "nothing asks for functions"
    for text in ("syscall::nosuch:entry", "fbt::nosuch:entri", "BEGN"):
        assert "[D_PDESC_ZERO]" in run(["-x", "errtags", "-en", text]).stderr, "what can be checked is"
    assert "[D_PROTO_LEN]" in run(["-x", "errtags", "-en", "fbt::nosuch:entry { trace() }"]).stderr
    assert run(["-n", everything]).status == 1, "tracing needs them"
