"""What the parsers of the inside of clauses and declarations have in common: one token of look-ahead, and a bound."""

from __future__ import annotations

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar.lexer import Kind, Lexer, Token, syntax_error
from dtrace_py.lang.grammar.names import Names
from dtrace_py.lang.source import Span

MAX_DEPTH = 500
"""Nesting beyond which a program is refused, well before Python's own limit."""


class Reader:
    """``token`` is the one not yet consumed, ``last`` the place of the one before it."""

    def __init__(self, lexer: Lexer, names: Names) -> None:
        self.lexer = lexer
        self.names = names
        self.token = Token(Kind.END, "", Span(0, 0, 1))
        self.last = self.token.span
        self.depth = 0

    def advance(self) -> None:
        """Read the next token of the inner context."""
        self.last = self.token.span
        self.token = self.lexer.inner()

    def expect(self, text: str) -> None:
        """Pass this token, or raise the error for another."""
        if not self.token.is_(text):
            raise self.syntax_error()
        self.advance()

    def identifier(self) -> str:
        """Pass an identifier."""
        if self.token.kind is not Kind.IDENT:
            raise self.syntax_error()
        name = self.token.value
        self.advance()
        return name

    def syntax_error(self) -> CompileError:
        """The error for the current token."""
        return syntax_error(self.token)

    def descend(self) -> None:
        """Go one level deeper; who calls this takes one from ``depth`` when it is done."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CompileError("D_SYNTAX", f"nested more than {MAX_DEPTH} deep", self.token.span)
