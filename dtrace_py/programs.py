"""The compile half of a run: sources to a typed program, descriptions to probes. No root, no bcc, nothing attached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dtrace_py.codegen.plan import Plan, make_plan
from dtrace_py.errors import DtpyError
from dtrace_py.job import Job, Mode
from dtrace_py.lang import typed
from dtrace_py.lang.compiler import Compiler, Settings
from dtrace_py.lang.describe import Description, parse_description, unknown_id
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.macros import Macros, process_macros
from dtrace_py.lang.source import Source
from dtrace_py.lang.types import TypeSource
from dtrace_py.providers.probe import Probe
from dtrace_py.providers.registry import Registry


@dataclass(frozen=True, slots=True)
class Matched:
    """A clause and what each of its descriptions matches."""

    clause: typed.Clause
    descriptions: tuple[Description, ...]
    probes: tuple[list[Probe], ...]


@dataclass(slots=True)
class Compiled:
    """All sources of a run, in order, each with its clauses."""

    program: typed.Program
    sources: list[tuple[Source, list[Matched]]] = field(default_factory=list)

    @property
    def clauses(self) -> Iterator[Matched]:
        for _, clauses in self.sources:
            yield from clauses

    def plan(self) -> Plan:
        """Which clause runs at which probe."""
        return make_plan((matched.clause, matched.probes) for matched in self.clauses)


def compile_job(job: Job, types: TypeSource, providers: Registry) -> Compiled:
    """Compile every source and match its descriptions. Raises DtpyError with DTrace's message for the first error."""
    options = job.options
    settings = Settings(options.number, options.flag, lambda name, value: options.set(name, value, pragma=True))
    compiler = Compiler(types, settings)
    compiled = Compiled(compiler.program)
    zero_allowed = job.mode is Mode.LIST
    for source in job.sources:
        macros = Macros(process_macros(), job.operands, source.path or job.command)
        try:
            clauses = compiler.compile(source, macros)
            matched = [_match(clause, providers, zero_allowed or options.flag("zdefs")) for clause in clauses]
        except CompileError as error:
            raise DtpyError(error.render(source, options.flag("errtags"))) from error
        compiled.sources.append((source, matched))
    return compiled


def _match(clause: typed.Clause, providers: Registry, zero_allowed: bool) -> Matched:
    descriptions, probes = [], []
    for text in clause.descriptions:
        description = parse_description(text, clause.source.context, clause.span)
        found = list(providers.matching(description))
        if not found and description.id is not None:
            raise unknown_id(text, clause.span)
        if not found and not zero_allowed:
            message = f"probe description {description} does not match any probes"
            raise CompileError("D_PDESC_ZERO", message, clause.span)
        descriptions.append(description)
        probes.append(found)
    return Matched(clause, tuple(descriptions), tuple(probes))
