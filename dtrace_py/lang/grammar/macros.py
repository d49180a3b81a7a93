"""Macro variables and script arguments: $1, $$1, $target, ... (contract 2.3)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span

NAME = re.compile(r"\$\$?(\d+|[A-Za-z_]\w*)", re.ASCII)
"""A macro in D text; group 1 is its name or number."""


def process_macros(target: int = 0) -> dict[str, int]:
    """The named macros of this process (L34-L36); ``target`` is the process that -c or -p named."""
    return {
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "pgid": os.getpgrp(),
        "sid": os.getsid(0),
        "uid": os.getuid(),
        "euid": os.geteuid(),
        "gid": os.getgid(),
        "egid": os.getegid(),
        "target": target,
    }


@dataclass(slots=True)
class Macros:
    """The values of macros for one program, and which operands it has referred to."""

    named: dict[str, int]
    operands: Sequence[str] = ()
    command: str = "dtpy"
    defaults: Callable[[], bool] = bool
    """Says whether a missing operand is 0 or "" instead of an error (option defaultargs)."""
    referenced: set[int] = field(default_factory=set)

    def text(self, name: str, as_string: bool, span: Span | None) -> str:
        """The text that ``$name`` stands for; ``as_string`` for ``$$name``. Raises D_MACRO_UNDEF (L37)."""
        number = int(name[:9]) if name.isdecimal() else None  # no command has that many operands
        if number is None:
            if name in self.named:
                return str(self.named[name])
        elif number == 0:
            return self.command
        elif number <= len(self.operands):
            self.referenced.add(number)
            return self.operands[number - 1]
        elif self.defaults():
            return "" if as_string else "0"
        sigil = "$$" if as_string else "$"
        raise CompileError("D_MACRO_UNDEF", f"macro argument {sigil}{name} is not defined", span)

    def check_used(self) -> None:
        """Raise D_MACRO_UNUSED if the last operand was never referred to (L38)."""
        last = len(self.operands)
        if last and last not in self.referenced and not self.defaults():
            text = f"extraneous argument '{self.operands[-1]}' (${last} is not referenced)"
            raise CompileError("D_MACRO_UNUSED", text)
