"""Compiling and loading through bcc. Nothing else in dtpy imports bcc, and nothing of bcc leaves this module."""

from __future__ import annotations

import ctypes
import errno
import os
import re
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import dtrace_py
from dtrace_py.codegen.layout import ProgramLayout, Unit
from dtrace_py.errors import DtpyError
from dtrace_py.kernel import bpf
from dtrace_py.runtime import apart, linker
from dtrace_py.runtime.linker import Linked

_KPROBE, _PERF_EVENT, _RAW_TRACEPOINT = 2, 7, 17
_KPROBE_MULTI, _KPROBE_SESSION = 42, 56
_MOST_FUNCTIONS = 256
"""Of one program: BPF_MAX_SUBPROGS, the same in all kernels."""
_FLAGS = ["-fwrapv", "-fbracket-depth=1024", "-g0", "-w"]
"""For clang: D's arithmetic wraps around, signed or not, and nests deeper than is usual in C; nothing reads debug data; what
C warns of is fine in D."""
_TOO_MANY_MAPS = (
    "could not enable tracing: too many thread-local variables, associative arrays and aggregations: "
    "the kernel allows a program 64 maps"
)
_NO_COPYOUT = (
    "could not enable tracing: copyout( ) and copyoutstr( ) need a kernel that lets programs write to the memory of processes; "
    "this one is locked down"
)
_TOO_MANY_WAYS = (
    "the program is too large: the kernel follows all ways through the clauses of a probe, a million instructions at most; "
    "fewer or simpler clauses will do, above all at ERROR, which every clause that can fault leads to"
)
_COMMON = re.compile(r'^COMMON_TABLE\("\w+", [^,]+, [^,]+, (\w+),', re.MULTILINE)
_NO_ROOM = (errno.ENOMEM, errno.E2BIG, errno.ENOSPC)


def bpf_directory() -> Path:
    """Where the C that generated programs include is: beside the package when installed, else in the source tree."""
    package = Path(dtrace_py.__file__).parent
    inside = package / "bpf"
    return inside if inside.is_dir() else package.parent / "bpf"


def expanded(text: str) -> str:
    """The unit with its own headers in place: bcc rewrites map accesses only in the file that it compiles."""

    def include(match: re.Match[str]) -> str:
        return (bpf_directory() / match[1]).read_text().replace("#pragma once\n", "")

    return re.sub(r'^#include "(\w+\.h)"$', include, text, flags=re.MULTILINE)


class LoadError(Exception):
    """The generated program was refused: by clang, or by the kernel's verifier. Either is a bug of dtpy."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Module:
    """A compiled unit: its maps exist, its programs can be loaded. A context manager; leaving it closes everything.

    With ``first``, the maps that units have in common are those of that module.
    """

    def __init__(self, unit: Unit, log: bpf.VerifierLog | None = None, first: Module | None = None) -> None:
        self._unit = unit
        self._log = log or bpf.VerifierLog()
        self._first = first
        self._bcc: Any = None
        self._section: linker.Section | None = None
        self._programs: dict[str, int] = {}

    def __enter__(self) -> Module:
        bcc = _import_bcc()
        try:
            # What clang has to say goes to stderr as it is: some of its errors end the process there and then.
            text = expanded(self._unit.text)
            source = (linker.prepared(text) if linker.concerns(text) else text).encode()
            self._bcc = apart.call(lambda: _compiled(bcc, source), bpf_directory() / "include" / "kallsyms")
        except _Refused as error:
            if error.errno in _NO_ROOM:
                reason = os.strerror(error.errno)
                raise DtpyError(f"could not enable tracing: {reason}; try a smaller buffer (-b)") from error
            raise LoadError("clang refused the generated program") from error
        if self._first:
            for name in _COMMON.findall(text):
                # From here on the descriptor that bcc has written into the code is one of the other map.
                os.dup2(self._first.map_fd(name), self.map_fd(name), inheritable=False)
        if linker.concerns(text):
            self._section = self._compiled_section(text)
        return self

    def _compiled_section(self, text: str) -> linker.Section:
        library, module, name = _library(), self._bcc.module, linker.INDEX.encode()
        start = library.bpf_function_start(module, name)
        length = library.bpf_function_size(module, name) // 8
        return linker.Section(text, length, lambda first, count: ctypes.string_at(start + first * 8, count * 8))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self._programs.values():
            os.close(descriptor)
        self._programs.clear()
        if self._bcc is not None:
            self._bcc.cleanup()

    def map_fd(self, name: str) -> int:
        """The descriptor of a map; it lives as long as the module. KeyError if the unit has no such map."""
        descriptor: int = _library().bpf_table_fd(self._bcc.module, name.encode())
        if descriptor < 0:
            raise KeyError(name)
        return descriptor

    def load(self, program: ProgramLayout, multi: bool = False) -> int:
        """Load a program and return its descriptor, which lives as long as the module.

        ``multi`` says that a function program goes into a multi link rather than a perf event. Raises LoadError.
        """
        if program.name not in self._programs:
            kind, attach_type = _type(program.name, multi)
            self._programs[program.name] = self._load(program.name, kind, attach_type)
        return self._programs[program.name]

    def _load(self, name: str, kind: int, attach_type: int) -> int:
        linked = self._linked(name)
        if (count := len(linked.functions)) > _MOST_FUNCTIONS:
            text = f"{name} has {count} functions, most of them clauses; the kernel allows {_MOST_FUNCTIONS}"
            raise DtpyError(f"the program is too large: {text}")
        starts = [*linked.functions, len(linked.code) // 8]
        if max(end - start for start, end in pairwise(starts)) > linker.MOST_INSTRUCTIONS:
            raise DtpyError(
                f"the program is too large: a clause comes to more than {linker.MOST_INSTRUCTIONS} instructions"
            )
        try:
            return bpf.load_program(kind, attach_type, name, linked.code, linked.functions, self._log)
        except bpf.Refused as error:
            if error.errno == errno.E2BIG and not error.log:
                raise DtpyError(_TOO_MANY_MAPS) from error
            if "cannot use helper bpf_probe_write_user" in error.log:
                raise DtpyError(_NO_COPYOUT) from error
            if "BPF program is too large" in error.log:
                raise DtpyError(_TOO_MANY_WAYS) from error
            raise LoadError(_refusal(name, error)) from error

    def _linked(self, name: str) -> Linked:
        """The code of a program: linked, or as bcc compiled a function that it knows itself."""
        if self._section and name in self._section:
            return self._section.program(name)
        return Linked(self._code(name), {0: name})

    def _code(self, name: str) -> bytes:
        library, module = _library(), self._bcc.module
        start = library.bpf_function_start(module, name.encode())
        return ctypes.string_at(start, library.bpf_function_size(module, name.encode()))


def _type(name: str, multi: bool) -> tuple[int, int]:
    """The BPF program type and expected attach type of a program of that name."""
    if name == "fbt":
        return _KPROBE, _KPROBE_SESSION
    if name.startswith("fbt_"):
        return _KPROBE, _KPROBE_MULTI if multi else 0
    return (_PERF_EVENT if name in ("profile", "ftrace_entry", "ftrace_return") else _RAW_TRACEPOINT), 0


def _refusal(name: str, error: bpf.Refused) -> str:
    """What the verifier says is wrong: the last line of its log but for its own figures."""
    lines = [
        line
        for line in error.log.strip().splitlines()
        if line and not line.startswith(("processed ", "verification time", "stack depth"))
    ]
    if not lines:
        return f"the kernel refused the program {name}: {error}"
    return f"the kernel's verifier refused the program {name}: {lines[-1]}"


class _Refused(Exception):
    """bcc could not make a module; ``errno`` is the thread's."""

    def __init__(self) -> None:
        self.errno = ctypes.get_errno()


def _compiled(bcc: Any, text: bytes) -> Any:
    try:
        return bcc.BPF(text=text, cflags=_FLAGS)
    except Exception as error:
        raise _Refused from error


def _import_bcc() -> Any:
    os.environ["BCC_KERNEL_SOURCE"] = str(bpf_directory() / "include")
    try:
        import bcc
    except ImportError:
        raise DtpyError(
            "bcc's Python module is missing: install python3-bpfcc, and run dtpy with the system's Python "
            "or a virtual environment made with --system-site-packages"
        ) from None
    return bcc


def _library() -> Any:
    import bcc.libbcc

    return bcc.libbcc.lib
