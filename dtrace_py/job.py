"""What the command line asks for, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from dtrace_py.lang.source import Source
from dtrace_py.options import Options


class Mode(Enum):
    """What is done with the programs."""

    TRACE = "trace"
    LIST = "list"
    COMPILE = "compile"
    HEADER = "header"
    """Make a C header of the providers that they declare (-h)."""
    OBJECT = "object"
    """Make an object of them (-G)."""

    @property
    def builds(self) -> bool:
        """Whether files are made for other programs, which has nothing to do with what can be traced here."""
        return self in (Mode.HEADER, Mode.OBJECT)


@dataclass(slots=True)
class Job:
    """One run: programs in command-line order, operands, options, and where things go."""

    sources: Sequence[Source] = ()
    operands: Sequence[str] = ()
    options: Options = field(default_factory=Options)
    mode: Mode = Mode.TRACE
    verbose: bool = False
    show_code: bool = False
    output: str | None = None
    """The file of -o."""
    report: str | None = None
    """The file of --report."""
    targets: Sequence[tuple[str, str]] = ()
    """The processes of -c and -p, in order: the flag and its value."""
    target: int = 0
    """The id of the first of them, once there is one."""
    dump: str | None = None
    """The file of --postmortem."""
    objects: Sequence[str] = ()
    """The files that -G is given besides."""
    command: str = "dtpy"
    """What the command was called as: the beginning of every message."""

    @property
    def shows_code(self) -> bool:
        """Whether the generated C is printed: by -S, or by the option that says the same."""
        return self.show_code or self.options.flag("verbose")
