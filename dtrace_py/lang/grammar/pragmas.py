"""Control lines: #pragma, #error, #line and what else may follow a # (contract 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.source import Span
from dtrace_py.lang.tables.stability import CLASSES, STABILITIES, Stability
from dtrace_py.lang.tables.versions import encoded

SetOption = Callable[[str, str | None], None]
"""Sets an option; raises ValueError with the reason."""
Depends = Callable[[str, str], bool]
"""Whether there is a ``provider`` or ``module`` of that name."""
Outside = Callable[[str], bool]
"""Whether a name is one of D's own, and not for this program to describe."""

_COMPONENTS = ("provider", "module", "function", "name", "args")


class Attributes(NamedTuple):
    """``#pragma D attributes``: the stability of an identifier, or of one component of a declared provider (L22)."""

    span: Span
    name: str
    stability: Stability
    component: str | None = None


class Binding(NamedTuple):
    """``#pragma D binding``: the version of D in which a name came into being (L23)."""

    span: Span
    name: str
    version: int
    """As versions.py encodes it."""


class Pragmas:
    """Handles the control lines of one source: options are set at once (L20), what is said of names is kept for later."""

    def __init__(
        self,
        set_option: SetOption,
        depends: Depends = lambda kind, name: False,
        outside: Outside = lambda name: False,
    ) -> None:
        self.set_option = set_option
        self.depends = depends
        self.outside = outside
        self.attributes: list[Attributes] = []
        self.bindings: list[Binding] = []

    def __call__(self, line: str, span: Span) -> tuple[int, str | None] | None:
        """Obey one line. Returns the number and file of the next line where the line sets them."""
        if line.startswith("#!"):
            return None
        words = line[1:].split()
        if not words or words[0] == "ident":
            return None
        if words[0] == "line" or words[0].isdecimal():
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
            case "depends_on":
                self._depends_on(words[2:], span)
            case "attributes":
                self.attributes.append(self._attributes(words[2:], span))
            case "binding":
                self.bindings.append(self._binding(words[2:], span))
            case _:
                raise CompileError("D_PRAGMA_INVAL", f"invalid D pragma: {words[1]}", span)

    def _option(self, words: list[str], span: Span) -> None:
        _count("option", words, (1,), span)
        name, equals, value = words[0].partition("=")
        try:
            self.set_option(name, value if equals else None)
        except ValueError as error:
            to = f" to '{value}'" if equals else ""
            hint = next(iter(getattr(error, "__notes__", ())), None)
            text = f"failed to set option '{name}'{to}: {error}"
            raise CompileError("D_PRAGMA_OPTSET", text, span, lambda: hint) from None

    def _depends_on(self, words: list[str], span: Span) -> None:
        _count("depends_on", words, (2,), span)
        kind, name = words
        if kind not in ("provider", "module", "library"):
            raise CompileError("D_PRAGMA_INVAL", f"invalid class {kind} for #pragma depends_on", span)
        if kind == "library":
            raise CompileError("D_PRAGMA_DEPEND", f"main program may not depend on library {name}", span)
        if not self.depends(kind, name):
            raise CompileError("D_PRAGMA_DEPEND", f"program requires {kind} {name}", span)

    def _attributes(self, words: list[str], span: Span) -> Attributes:
        _count("attributes", words, (2, 4), span)
        parts = words[0].split("/")
        known = (STABILITIES, STABILITIES, CLASSES)
        if len(parts) != len(known) or any(part not in table for part, table in zip(parts, known, strict=True)):
            raise CompileError("D_PRAGMA_INVAL", f"invalid attributes {words[0]} for #pragma attributes", span)
        if (len(words) == 4) != (words[1] == "provider"):
            raise CompileError("D_PRAGMA_MALFORM", "malformed #pragma attributes", span)
        if len(words) == 2:
            return Attributes(span, self._ours(words[1], span), Stability(*parts))
        if words[3] not in _COMPONENTS:
            raise CompileError("D_PRAGMA_INVAL", f"invalid component {words[3]} for #pragma attributes", span)
        return Attributes(span, words[2], Stability(*parts), words[3])

    def _binding(self, words: list[str], span: Span) -> Binding:
        _count("binding", words, (2,), span)
        quoted = re.fullmatch('"([^"]*)"', words[0])
        if not quoted:
            raise CompileError("D_PRAGMA_MALFORM", "malformed #pragma binding: the version must be a string", span)
        try:
            version = encoded(quoted[1])
        except ValueError:
            text = f"invalid version {words[0]} for #pragma binding"
            raise CompileError("D_PRAGMA_INVAL", text, span) from None
        return Binding(span, self._ours(words[1], span), version)

    def _ours(self, name: str, span: Span) -> str:
        if self.outside(name):
            raise not_of_this_program(name, span)
        return name


def not_of_this_program(name: str, span: Span) -> CompileError:
    """D_PRAGMA_SCOPE (L22, L23)."""
    return CompileError("D_PRAGMA_SCOPE", f"#pragma has no say in {name}, which this program does not define", span)


def _count(pragma: str, words: list[str], counts: tuple[int, ...], span: Span) -> None:
    """Refuse any other number of words."""
    if len(words) not in counts:
        what = "missing argument" if len(words) < counts[0] else "superfluous arguments specified"
        raise CompileError("D_PRAGMA_MALFORM", f"{what} for #pragma {pragma}", span)


def _position(line: str, span: Span) -> tuple[int, str | None]:
    match = re.fullmatch(r'#\s*(?:line)?\s*(\d{1,9})(?:\s+"([^"]*)"(?:\s+\d+)*)?\s*', line, re.ASCII)
    if not match:
        raise CompileError("D_PRAGMA_MALFORM", "malformed #line directive", span)
    return int(match[1]), match[2]
