"""Random clauses that are right, at probes of every kind: compiled and loaded, but never attached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dtrace_py.errors import DtpyError
from dtrace_py.job import Job
from dtrace_py.kernel.machine import Machine
from dtrace_py.lang.source import Source
from dtrace_py.options import Options
from dtrace_py.prepare import prepare
from dtrace_py.programs import compile_job
from dtrace_py.runtime.loader import LoadError
from dtrace_py.runtime.tracer import load
from tests.property.batch import Finding
from tests.property.expressions import Maker
from tests.property.reference import Node

_PROBES = (
    "BEGIN",
    "END",
    "ERROR",
    "syscall::read:entry",
    "syscall::openat:return",
    "syscall::*stat*:entry, syscall::close:return",
    "profile-97",
    "tick-1s",
)

TRACEFS = any(Path(each, "available_events").exists() for each in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"))
_FUNCTIONS = ("fbt::vfs_read:entry", "fbt::vfs_read:return, fbt::vfs_write:return")
"""Where the kernel lists its functions."""

_NUMBERS = ("arg0", "arg1", "pid", "tid", "cpu", "uid", "timestamp", "vtimestamp", "epid", "id", "errno", "ppid")
_NAMES = ("execname", "probefunc", "probename", "probemod", "probeprov")


class ClauseMaker(Maker):
    """Makes whole clauses."""

    def __init__(self, seed: int | str) -> None:
        super().__init__(seed)
        self.variables.fixed = {}
        self._handles_errors = False

    def program(self, clauses: int) -> str:
        """So many clauses, and the declarations of what they use."""
        declared = [*self.variables.declarations(), "#pragma D option nspec=4"]
        # printa(), clear() and trunc() want to know them.
        first = "BEGIN { @count = count(); @sum[1] = sum(1); self->spec = speculation(); }"
        return "\n".join([*declared, first, *(self._clause() for _ in range(clauses))])

    def _clause(self) -> str:
        predicate = f" / {self._number().text} /" if self.random.random() < 0.4 else ""
        lines = [self._one() for _ in range(self.random.randint(0, 4))]
        if self.random.random() < 0.2:  # before anything that records (A66)
            lines = ["speculate(self->spec);", *(self._recording() for _ in range(2))]
        elif self.random.random() < 0.2:
            lines = [f"self->spec = {self.random.choice(('speculation()', '0'))};"]
            lines.append(self.random.choice(("commit(self->spec);", "discard(self->spec);")))
        if not lines and predicate:
            lines = ["trace(1);"]
        return f"{self._probe()}{predicate}\n{{\n    " + "\n    ".join(lines) + "\n}"

    def _probe(self) -> str:
        """ERROR once, because each of its clauses is looked at again behind each clause that can fault."""
        probe = self.random.choice(_PROBES + _FUNCTIONS * TRACEFS)
        if probe == "ERROR":
            probe, self._handles_errors = "END" if self._handles_errors else probe, True
        return probe

    def _number(self) -> Node:
        return self.number(self.random.randint(0, 4))

    def _leaf(self) -> Node:
        if self.random.random() < 0.3:
            return Node(self.random.choice(_NUMBERS), 16, self.literal().kind, lambda _: 0)
        return super()._leaf()

    def _one(self, depth: int = 2) -> str:
        kind = self.random.random()
        if kind < 0.15 and depth:
            other = f" else {{ {self._one(depth - 1)} }}" if self.random.random() < 0.5 else ""
            return f"if ({self._number().text}) {{ {self._one(depth - 1)} {self._one(depth - 1)} }}{other}"
        if kind < 0.4:
            return self._aggregating()
        if kind < 0.6:
            return f"{self._number().text};"
        return self._recording()

    def _recording(self) -> str:
        number, text = self._number(), self.text(2)
        return self.random.choice(
            (
                f"trace({self.inside(number, 1)});",
                f"trace({self.inside(text, 1)});",
                f'printf("%d %s %x", {self.inside(number, 1)}, {self.inside(text, 1)}, {self.inside(self._number(), 1)});',
                f"trace({self.random.choice(_NAMES)});",
                f"stack({self.random.randint(1, 20)});",
                "trace(curthread->pid);",
                "trace(stringof(curthread->comm));",
                "printa(@count);",
                f"trunc(@sum, {self.random.randint(-3, 3)});",
                "clear(@sum);",
            )
        )

    def _aggregating(self) -> str:
        number, text = self.inside(self._number(), 1), self.inside(self.text(1), 1)
        return self.random.choice(
            (
                "@count = count();",
                f"@sum[{number}] = sum({self.inside(self._number(), 1)});",
                f"@text[{text}, execname] = max({number});",
                f"@least[probefunc] = min({number});",
                f"@average[cpu, stack(3)] = avg({number});",
                f"@deviation = stddev({number});",
                f"@power[{text}] = quantize({number});",
                f"@linear = lquantize({number}, -100, 100, 10);",
                f"@log = llquantize({number}, 10, 0, 6, 20);",
            )
        )


def _options() -> Options:
    options = Options()
    options.set("quiet", None)
    return options


def check(seed: int | str, clauses: int, note: Callable[[str], object] = lambda _: None) -> list[Finding]:
    """Load a program of so many random clauses; what did not go is a finding."""
    text = ClauseMaker(seed).program(clauses)
    machine = Machine()
    machine.providers.lenient = not TRACEFS
    job = Job(sources=(Source(text),), options=_options())
    try:
        compiled = compile_job(job, lambda: machine.types, machine.providers)
        made = prepare(compiled, machine, job.options, probing=True, note=note)
        with load(made.unit, made.plan, made.tables, made.ring_bytes, made.multi):
            return []
    except (DtpyError, LoadError) as error:
        return [Finding(str(seed), f"{error}\n{text}")]
