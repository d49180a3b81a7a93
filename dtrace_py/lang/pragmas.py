"""Control lines: #pragma, #error, #line and what else may follow a # (contract 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable

from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.source import Span

SetOption = Callable[[str, str | None], None]
"""Sets an option; raises ValueError with the reason."""


class Pragmas:
    """Handles the control lines of one source; options go to ``set_option`` at once (L20)."""

    def __init__(self, set_option: SetOption) -> None:
        self.set_option = set_option

    def __call__(self, line: str, span: Span) -> tuple[int, str | None] | None:
        """Obey one line. Returns the number and file of the next line where the line sets them."""
        if line.startswith("#!"):
            return None
        words = line[1:].split()
        if not words or words[0] == "ident":
            return None
        if words[0] == "line" or words[0].isdigit():
            return _position(line, span)
        if words[0] == "error":
            raise CompileError("D_PRAGERR", f"#error: {line[1:].strip()[5:].strip()}", span)
        if words[0] != "pragma":
            raise CompileError("D_PRAGCTL_INVAL", f"invalid control directive: #{words[0]}", span)
        self._pragma(words[1:], line, span)
        return None

    def _pragma(self, words: list[str], line: str, span: Span) -> None:
        if words[:1] == ["error"]:
            raise CompileError("D_PRAGERR", f"#error: {line.split('error', 1)[1].strip()}", span)
        if words[:1] != ["D"]:
            return
        if len(words) < 2:
            raise CompileError("D_PRAGMA_MALFORM", "malformed #pragma D", span)
        match words[1]:
            case "option":
                self._option(words[2:], span)
            case "depends_on" | "attributes" | "binding":
                raise not_built(f"#pragma D {words[1]}", span)
            case _:
                raise CompileError("D_PRAGMA_INVAL", f"invalid D pragma: {words[1]}", span)

    def _option(self, words: list[str], span: Span) -> None:
        if len(words) != 1:
            what = "superfluous arguments specified" if words else "missing argument"
            raise CompileError("D_PRAGMA_MALFORM", f"{what} for #pragma option", span)
        name, equals, value = words[0].partition("=")
        try:
            self.set_option(name, value if equals else None)
        except ValueError as error:
            to = f" to '{value}'" if equals else ""
            hint = next(iter(getattr(error, "__notes__", ())), None)
            text = f"failed to set option '{name}'{to}: {error}"
            raise CompileError("D_PRAGMA_OPTSET", text, span, lambda: hint) from None


def _position(line: str, span: Span) -> tuple[int, str | None]:
    match = re.fullmatch(r'#\s*(?:line)?\s*(\d{1,9})(?:\s+"([^"]*)"(?:\s+\d+)*)?\s*', line, re.ASCII)
    if not match:
        raise CompileError("D_PRAGMA_MALFORM", "malformed #line directive", span)
    return int(match[1]), match[2]
