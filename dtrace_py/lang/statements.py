"""What stands inside clauses and declarations: predicates, statements, declarators."""

from __future__ import annotations

from dtrace_py.lang import ast
from dtrace_py.lang.errors import not_built
from dtrace_py.lang.expressions import ExpressionParser
from dtrace_py.lang.lexer import Kind, Token

_LATER = frozenset("inline typedef translator provider enum import counter".split())
"""Declarations that are not built yet."""


class InnerParser(ExpressionParser):
    """Reads one such piece at a time. Each method returns with the lexer behind the token that ends the piece."""

    def predicate(self) -> ast.Expr:
        """The expression between the slashes; the first one has been read."""
        self.advance()
        predicate = self.expression()
        if self.token.kind is not Kind.PREDICATE_END:
            raise self.syntax_error()
        return predicate

    def statements(self) -> tuple[ast.Expr, ...]:
        """The statements of a block; its opening brace has been read (P31)."""
        self.advance()
        statements = []
        while not self.token.is_("}"):
            if self.token.is_(";"):
                self.advance()
                continue
            if self.token.is_("if"):
                raise not_built("if/else", self.token.span)
            statements.append(self.expression())
            if not self.token.is_(";", "}"):
                raise self.syntax_error()
        return tuple(statements)

    def declaration(self, start: Token) -> ast.Declaration:
        """A declaration from its first word, which the lexer goes back to."""
        self.lexer.rewind(start)
        self.advance()
        if self.token.text in _LATER:
            raise not_built(f"a declaration with {self.token.text}", self.token.span)
        scope = self.token.text if self.token.is_("self", "this") else None
        if scope:
            self.advance()
        base = self.type_name(abstract=False)
        if self.token.kind is not Kind.IDENT:
            raise self.syntax_error()
        name = self.token.value
        self.advance()
        keys = self._key_types() if self.token.is_("[") else None
        if self.token.is_(","):
            raise not_built("a declaration of several names", self.token.span)
        if not self.token.is_(";"):
            raise self.syntax_error()
        return ast.Declaration(start.span.to(self.token.span), scope, base, name, keys)

    def _key_types(self) -> tuple[ast.TypeName, ...]:
        self.advance()
        if self.token.kind is Kind.INT:
            raise not_built("a declaration of a C array", self.token.span)
        keys = [self.type_name()]
        while self.token.is_(","):
            self.advance()
            keys.append(self.type_name())
        self.expect("]")
        return tuple(keys)
