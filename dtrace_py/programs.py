"""The compile half of a run: sources to a typed program, descriptions to probes. No root, no bcc, nothing attached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from dtrace_py.errors import DtpyError
from dtrace_py.job import Job, Mode
from dtrace_py.lang.compiler import Compiler, Settings
from dtrace_py.lang.describe import Description, parse_description, unknown_id
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.macros import Macros, process_macros
from dtrace_py.lang.program import Clause, Program
from dtrace_py.lang.source import Source, as_text
from dtrace_py.providers.probe import Probe
from dtrace_py.providers.registry import Registry

if TYPE_CHECKING:
    from dtrace_py.lang.facts import TypeSource


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
    """Compile every source and match its descriptions. Raises DtpyError with DTrace's message for the first error."""
    options = job.options
    settings = Settings(options.number, options.flag, lambda name, value: options.set(name, value, pragma=True))
    compiler = Compiler(types, settings)
    compiled = Compiled(compiler.program)
    for source in job.sources:
        defaults = partial(options.flag, "defaultargs")
        macros = Macros(process_macros(), job.operands, source.path or job.command, defaults)
        try:
            matched = [_match(clause, job, providers) for clause in compiler.compile(source, macros)]
        except CompileError as error:
            raise DtpyError(as_text(error.render(source, options.flag("errtags")))) from error
        compiled.sources.append((source, matched))
    return compiled


def _match(clause: Clause, job: Job, providers: Registry) -> Matched:
    """The descriptions of a clause, and the probes that they match; a list looks for those itself."""
    context, places = clause.source.context, clause.places
    parsed = tuple(parse_description(text, context, at) for text, at in zip(clause.descriptions, places, strict=True))
    if job.mode is Mode.LIST:
        return Matched(clause, parsed, ())
    found = tuple(providers.matching(description) for description in parsed)
    for text, description, probes, at in zip(clause.descriptions, parsed, found, places, strict=True):
        if not probes and description.id is not None:
            raise unknown_id(text, at)
        if not probes and not job.options.flag("zdefs"):
            message = f"probe description {description} does not match any probes"
            raise CompileError("D_PDESC_ZERO", message, at)
    return Matched(clause, parsed, found)
