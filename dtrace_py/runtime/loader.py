"""Compiling and loading through bcc. Nothing else in dtpy imports bcc, and nothing of bcc leaves this module."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import dtrace_py
from dtrace_py.codegen.layout import ProgramLayout, Unit
from dtrace_py.errors import DtpyError
from dtrace_py.runtime import apart

_KPROBE, _PERF_EVENT, _RAW_TRACEPOINT = 2, 7, 17
_KPROBE_MULTI, _KPROBE_SESSION = 42, 56
_MOST_INSTRUCTIONS = 32_767
"""Further than this a jump of BPF does not reach; clang 14 would cut its distance to 16 bits without a word."""
_FLAGS = ["-fwrapv", "-fbracket-depth=1024", "-g0"]
"""For clang: D's arithmetic wraps around, signed or not, and nests deeper than is usual in C; nothing reads debug data."""
_TOO_MANY_MAPS = (
    "could not enable tracing: too many thread-local variables, associative arrays and aggregations: "
    "the kernel allows a program 64 maps"
)
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
    """A compiled unit: its maps exist, its programs can be loaded. A context manager; leaving it closes everything."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._bcc: Any = None
        self._programs: dict[str, int] = {}

    def __enter__(self) -> Module:
        bcc = _import_bcc()
        try:
            # What clang has to say goes to stderr as it is: some of its errors end the process there and then.
            text = expanded(self._unit.text).encode()
            self._bcc = apart.call(lambda: _compiled(bcc, text), bpf_directory() / "include" / "kallsyms")
        except _Refused as error:
            if error.errno in _NO_ROOM:
                reason = os.strerror(error.errno)
                raise DtpyError(f"could not enable tracing: {reason}; try a smaller buffer (-b)") from error
            raise LoadError("clang refused the generated program") from error
        return self

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
        library = _library()
        start = library.bpf_function_start(self._bcc.module, name.encode())
        size = library.bpf_function_size(self._bcc.module, name.encode())
        if size // 8 > _MOST_INSTRUCTIONS:
            raise DtpyError(
                f"the program is too large: its clauses for {name} come to {size // 8} instructions, "
                f"{_MOST_INSTRUCTIONS} are possible"
            )
        code = ctypes.string_at(start, size)
        arguments = [self._bcc.module, kind, name.encode(), code, size]
        arguments += [library.bpf_module_license(self._bcc.module), library.bpf_module_kern_version(self._bcc.module)]
        with _captured_stderr() as said:
            # On a refusal bcc loads once more, to write the verifier's log to stderr.
            descriptor: int = library.bcc_func_load(*arguments, 0, None, 0, None, attach_type)
            if descriptor < 0:
                if "Argument list too long" in said() and len(said().splitlines()) == 1:  # the verifier said nothing
                    raise DtpyError(_TOO_MANY_MAPS)
                raise LoadError(_refusal(name, said()))
        return descriptor


def _type(name: str, multi: bool) -> tuple[int, int]:
    """The BPF program type and expected attach type of a program of that name."""
    if name == "fbt":
        return _KPROBE, _KPROBE_SESSION
    if name.startswith("fbt_"):
        return _KPROBE, _KPROBE_MULTI if multi else -1
    return (_PERF_EVENT if name == "profile" else _RAW_TRACEPOINT), -1


def _refusal(name: str, log: str) -> str:
    """What the verifier says is wrong: the last line of its log but for its own figures."""
    lines = [
        line for line in log.strip().splitlines() if line and not line.startswith(("processed ", "verification time"))
    ]
    if len(lines) < 2:
        return f"the kernel refused the program {name}: {os.strerror(ctypes.get_errno())}"
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


@contextmanager
def _captured_stderr() -> Iterator[Callable[[], str]]:
    """Keep what is written to descriptor 2 inside; yields a function that returns it."""
    with tempfile.TemporaryFile() as file:
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)

        def said() -> str:
            file.seek(0)
            return file.read().decode(errors="replace").strip()

        try:
            yield said
        finally:
            os.dup2(saved, 2)
            os.close(saved)
