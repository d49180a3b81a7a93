"""C text under construction: lines, indentation, and fresh names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager


class Writer:
    """Collects lines of C, and can set some aside until it is known what has to come before them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._depth = 1
        self._names = 0

    def line(self, text: str) -> None:
        self.lines.append(self._indented(text))

    def comment(self, text: str) -> None:
        self.line(f"/* {comment(text)} */")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines between ``head {`` and ``}``."""
        self.line(f"{head} {{")
        self._depth += 1
        yield
        self._depth -= 1
        self.line("}")

    @contextmanager
    def aside(self, deeper: bool = False) -> Iterator[list[str]]:
        """Lines written inside go to the list that this yields; with ``deeper``, indented for a block around them."""
        lines, self.lines = self.lines, []
        self._depth += deeper
        aside: list[str] = []
        try:
            yield aside
        finally:
            self._depth -= deeper
            aside += self.lines
            self.lines = lines

    def branch(self, condition: str, yes: list[str], no: list[str] | None = None) -> None:
        """``if (condition) { yes } else { no }`` of lines that were set aside."""
        self.line(f"if ({condition}) {{")
        self.lines += yes
        if no is not None:
            self.line("} else {")
            self.lines += no
        self.line("}")

    def fresh(self, stem: str = "t") -> str:
        """A C name that nothing else in this function has."""
        self._names += 1
        return f"{stem}{self._names}"

    def _indented(self, text: str) -> str:
        return "    " * self._depth + text if text else ""


def comment(text: str) -> str:
    """Text that may stand in a C comment, on one line."""
    return " ".join(text.split()).replace("*/", "* /").encode("ascii", "replace").decode()


def function(linkage: str, name: str, parameters: Sequence[str], body: Iterable[str]) -> list[str]:
    """The lines of a C function that returns nothing; one that stays a function of BPF has to return 0 (bpf/linkage.h)."""
    if linkage != "SUBPROGRAM":
        return [f"{linkage} void {name}({', '.join(parameters)})", "{", *body, "}", ""]
    names = ", ".join(re.split(r"[ *]+", parameter)[-1] for parameter in parameters)
    return [
        *function("static __always_inline", f"{name}_body", parameters, body),
        f"SUBPROGRAM int {name}({', '.join(parameters)})",
        "{",
        f"    {name}_body({names});",
        "    return 0;",
        "}",
        "",
    ]
