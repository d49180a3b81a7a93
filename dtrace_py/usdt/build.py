"""What -h and -G do with compiled programs: which files they make (contract M29, M30)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from dtrace_py.errors import DtpyError
from dtrace_py.job import Job
from dtrace_py.lang.definitions import DeclaredProvider
from dtrace_py.lang.source import Source, as_text
from dtrace_py.programs import Compiled
from dtrace_py.usdt import objects
from dtrace_py.usdt.header import NoHeader, header


def write_header(job: Job, compiled: Compiled) -> None:
    """-h: one header for all programs. Raises DtpyError."""
    path = job.output or f"{_stem(job.sources[0])}.h"
    try:
        text = header(_unique(provider for _, provider in compiled.program.providers), path)
    except NoHeader as error:
        raise DtpyError(f"failed to create header file {path}: {error}") from error
    _save(text.encode("latin-1"), path)


def write_objects(job: Job, compiled: Compiled) -> None:
    """-G: one object for all programs with -o, else one for each. Raises DtpyError."""
    if job.options.word("linktype") == "dof":
        raise DtpyError("option linktype=dof is not supported: what describes probes on Linux is ELF")
    for source, clauses in compiled.sources:
        if clauses:
            raise _failed(source, "clauses cannot be put in an object, only declarations of providers")
    sources = [source for source, _ in compiled.sources]
    if job.output is not None:
        _write(job, sources[0], (provider for _, provider in compiled.program.providers), job.output)
        return
    for number, source in enumerate(sources):
        numbered = f"d.out.{number}" if len(sources) > 1 else "d.out"
        path = f"{_stem(source)}.o" if _named_after(source) else numbered
        _write(job, source, (provider for each, provider in compiled.program.providers if each is source), path)


def _write(job: Job, source: Source, providers: Iterable[DeclaredProvider], path: str) -> None:
    try:
        for each in job.objects:
            objects.check(each)
        made = objects.compiled(_unique(providers))
    except objects.NoObject as error:
        raise _failed(source, str(error)) from error
    _save(made, path)


def _save(content: bytes, path: str) -> None:
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise DtpyError(f"failed to open output file '{path}'") from error


def _failed(source: Source, reason: str) -> DtpyError:
    what = f"script {source.path}" if source.is_script else f"description {source.title}"
    return DtpyError(as_text(f"failed to link {what}: ") + reason)


def _unique(providers: Iterable[DeclaredProvider]) -> Iterator[DeclaredProvider]:
    """Each provider once: it may have been declared again, in the same way."""
    yield from {provider.name: provider for provider in providers}.values()


def _named_after(source: Source) -> bool:
    """Whether what is made of a program is called after it: it is a script, and called something.d."""
    return source.path is not None and source.path.endswith(".d")


def _stem(source: Source) -> str:
    """The name of a script without .d: what is made of it is made here, wherever the script may be."""
    return os.path.basename(as_text(source.path or "")).removesuffix(".d")
