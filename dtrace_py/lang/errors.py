"""What is wrong with a D program: one error, its tag and its place (contract sections 13 and 14.1)."""

from __future__ import annotations

from dtrace_py.lang.source import Source, Span


class CompileError(Exception):
    """The first error of a program (N4). ``region`` names the part of a clause that was being checked, for N2."""

    def __init__(self, tag: str, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.tag = tag
        self.message = message
        self.span = span
        self.region: str | None = None

    def render(self, source: Source, errtags: bool) -> str:
        """The message as the command prints it behind its own name (N1, N2, N7), one character a byte."""
        tag = f"[{self.tag}] " if errtags else ""
        text = f"{tag}{self._location(source)}{self.message}"
        if source.path is not None:
            return f"failed to compile script {source.path}: {text}"
        return f"invalid probe specifier {source.text}: {text}"

    def _location(self, source: Source) -> str:
        if self.span is not None and self.span.file is not None:
            return f'"{self.span.file}", line {self.span.line}: '
        if self.span is not None and source.is_script:
            return f"line {self.span.line}: "
        if self.region is not None and not source.is_script:
            return f"in {self.region}: "
        return ""


def not_built(what: str, span: Span | None = None) -> CompileError:
    """The error for a part of D that this version of dtpy cannot run."""
    return CompileError("D_UNKNOWN", f"{what} is not implemented (yet)", span)
