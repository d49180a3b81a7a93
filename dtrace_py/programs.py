"""The compile half of a run: sources to a typed program, descriptions to probes. No root, no bcc, nothing attached."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from dtrace_py.errors import DtpyError, Unlisted
from dtrace_py.job import Job, Mode
from dtrace_py.lang.compiler import Compiler, Settings
from dtrace_py.lang.describe import Description, parse_description, unknown_id
from dtrace_py.lang.errors import CompileError, CompileErrors, not_built
from dtrace_py.lang.grammar.macros import Macros, process_macros
from dtrace_py.lang.program import Clause, Program
from dtrace_py.lang.source import Field, Source, Span, as_text
from dtrace_py.lang.tables.stability import Stability, stability
from dtrace_py.providers.probe import Probe
from dtrace_py.providers.registry import Registry
from dtrace_py.providers.unmatched import unmatched

if TYPE_CHECKING:
    from dtrace_py.lang.definitions import ProbeArgument
    from dtrace_py.lang.facts import ProcessSymbols, TypeSource
    from dtrace_py.lang.grammar.tree import Program as Parsed
    from dtrace_py.lang.libraries import Libraries
    from dtrace_py.options import Options


class Matched(NamedTuple):
    """A clause, its descriptions, and the probes that each of them matches (none when listing)."""

    clause: Clause
    descriptions: tuple[Description, ...]
    probes: tuple[list[Probe], ...]


@dataclass(slots=True)
class Compiled:
    """All sources of a run, in order, each with its clauses."""

    program: Program
    sources: list[tuple[Source, list[Matched]]] = field(default_factory=list)

    @property
    def clauses(self) -> Iterator[Matched]:
        for _, clauses in self.sources:
            yield from clauses


def compile_job(job: Job, types: Callable[[], TypeSource], providers: Registry) -> Compiled:
    """Compile every source and match its descriptions. Raises DtpyError with the message for the first source with errors."""
    options = job.options
    set_option = partial(options.set, pragma=True)
    version, least = partial(options.number, "version"), partial(_least, options)
    depends, process = partial(_depends, providers), _process(job.target)
    runs = job.mode is Mode.TRACE or job.shows_code
    parsed = partial(_show_tree, options)
    settings = Settings(options.number, options.flag, set_option, depends, version, least, process, runs, parsed)
    matching = Matching(job, providers)
    compiler = Compiler(types, settings, matching, partial(_arguments, providers, types), partial(_libraries, options))
    compiled = Compiled(compiler.program)
    if options.given & {"libdir", "syslibdir"} and not options.flag("nolibs"):
        _load_libraries(compiler, job)
    for source in job.sources:
        if source.is_script and options.flag("cpp"):
            from dtrace_py.preprocess import preprocess

            source = preprocess(source, options)
        defaults = partial(options.flag, "defaultargs")
        macros = Macros(process_macros(job.target), job.operands, source.path or job.command, defaults)
        try:
            clauses = compiler.compile(source, macros)
        except (CompileError, CompileErrors) as error:
            errors = error.errors if isinstance(error, CompileErrors) else (error,)
            raise DtpyError(_message(errors, source, options.flag("errtags"))) from error
        if runs:
            _refuse_unbuilt(clauses, source, options.flag("errtags"))
        matched = [Matched(clause, *each) for clause, each in zip(clauses, matching.take(), strict=True)]
        compiled.sources.append((source, matched))
    return compiled


def _refuse_unbuilt(clauses: Sequence[Clause], source: Source, errtags: bool) -> None:
    """Raise DtpyError for what has passed all checks but cannot be run yet."""
    if all(clause.predicate is None and not clause.statements for clause in clauses):
        return
    from dtrace_py.lang.unbuilt import unbuilt

    if errors := [error for clause in clauses for error in unbuilt(clause)]:
        raise DtpyError(_message(errors, source, errtags))


def _depends(providers: Registry, kind: str, name: str) -> bool:
    """Whether a program that depends on a provider or kernel module can run here (L21)."""
    if kind == "provider":
        return any(provider.name == name for provider in providers.providers)
    return name == "vmlinux" or ("/" not in name and os.path.isdir(f"/sys/module/{name}"))


def _show_tree(options: Options, parsed: Parsed) -> None:
    """Print a source's syntax tree on standard error, if option tree has the bit of its first pass."""
    if (options.optional("tree") or 0) & 1:
        from dtrace_py.lang.grammar import tree_text

        print("Parse tree (Pass 1):", *map(tree_text.item, parsed.items), sep="\n", file=sys.stderr)


def _least(options: Options) -> Stability | None:
    text = options.text("amin")
    return stability(text) if text else None


def _process(target: int) -> ProcessSymbols | None:
    """The symbols of the process that -c or -p named."""
    if not target:
        return None
    from dtrace_py.process.named import NamedSymbols

    return NamedSymbols(target)


def _arguments(providers: Registry, types: Callable[[], TypeSource], probe: Probe) -> tuple[ProbeArgument, ...]:
    return providers.arguments(probe, types())


def _libraries(options: Options) -> Libraries:
    """Our own library, or the one that is named instead; those of -L are looked at first."""
    from dtrace_py.lang.libraries import SYSTEM, Libraries

    if options.flag("nolibs"):
        return Libraries(system=None)
    folders = [text for name, text in options.all if name == "libdir" and text]
    system = options.text("syslibdir")
    return Libraries([*folders, system] if system else folders, os.uname().release, None if system else SYSTEM)


def _load_libraries(compiler: Compiler, job: Job) -> None:
    try:
        compiler.load()
    except CompileErrors as error:
        source = error.errors[0].source
        assert source
        raise DtpyError(_message(error.errors, source, job.options.flag("errtags"))) from error


def _message(errors: Sequence[CompileError], source: Source, errtags: bool) -> str:
    from dtrace_py.lang import diagnostics

    if errtags:
        return as_text(diagnostics.one_line(errors[0], source, errtags))
    return diagnostics.explained(errors, source)


class Matching:
    """Finds the probes of descriptions for the compiler, and keeps what it found, clause by clause."""

    def __init__(self, job: Job, providers: Registry) -> None:
        self._job = job
        self._providers = providers
        self._found: list[tuple[tuple[Description, ...], tuple[list[Probe], ...]]] = []

    def __call__(self, texts: tuple[str, ...], places: tuple[Span, ...], context: Field) -> tuple[list[Probe], ...]:
        """The probes that each description of a clause matches; a list looks for those itself."""
        parsed = tuple(parse_description(text, context, at) for text, at in zip(texts, places, strict=True))
        found: tuple[list[Probe], ...] = ()
        own = list(map(self._is_own, parsed, places))
        if self._job.mode in (Mode.TRACE, Mode.COMPILE):
            each = zip(own, parsed, places, strict=True)
            found = tuple([] if theirs else self._matched(description, at) for theirs, description, at in each)
        self._found.append((parsed, found))
        return found

    def take(self) -> list[tuple[tuple[Description, ...], tuple[list[Probe], ...]]]:
        """What was found since the last call."""
        found, self._found = self._found, []
        return found

    def _is_own(self, description: Description, at: Span) -> bool:
        """Whether a description is of a process's own probes (P26), which are not there yet: an error, where they are wanted."""
        if not description.provider[-1:].isdigit():
            return False
        from dtrace_py.process.living import ungrabbable
        from dtrace_py.providers.own import process_of

        if process_of(description, at, ungrabbable) is None:
            return False
        error = not_built("the pid provider", at)
        if self._job.mode is not Mode.COMPILE:
            raise error
        self._providers.pass_over("pid", Unlisted(error.message))
        return True

    def _matched(self, description: Description, at: Span) -> list[Probe]:
        probes = self._providers.matching(description)
        if not probes and not self._providers.tells(description):
            return probes
        if not probes and description.id is not None:
            raise unknown_id(str(description.id), at)
        if not probes and not self._job.options.flag("zdefs"):
            raise unmatched(description, at, self._providers)
        return probes
