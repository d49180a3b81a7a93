"""What stands inside clauses and declarations: predicates, statements, declarators."""

from __future__ import annotations

from dtrace_py.lang import ast
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.expressions import ExpressionParser
from dtrace_py.lang.lexer import Kind, Token

_LATER = frozenset("inline typedef translator provider enum import counter extern".split())
"""Declarations that are not built yet."""

_NOT_D = ("auto", "register", "static")
"""C's storage classes, which D has no use for."""


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

    def declaration(self, start: Token) -> tuple[ast.Declaration, ...]:
        """A declaration of one or more names from its first word, which the lexer goes back to."""
        self.lexer.rewind(start)
        self.advance()
        if self.token.text in _LATER:
            raise not_built(f"a declaration with {self.token.text}", self.token.span)
        scope = self._storage_class()
        words = self.specifiers()
        if self.token.is_(";"):
            raise CompileError("D_DECL_USELESS", "declaration declares nothing", start.span.to(self.last))
        declared = [self._declarator(start, scope, words)]
        while self.token.is_(","):
            self.advance()
            declared.append(self._declarator(start, scope, words))
        if not self.token.is_(";"):
            raise self.syntax_error()
        return tuple(declared)

    def _storage_class(self) -> str | None:
        found: str | None = None
        while self.token.is_("self", "this", *_NOT_D):
            if found is not None:
                text = "only one storage class may be specified in a declaration"
                raise CompileError("D_DECL_CLASS", text, self.token.span)
            found = self.token.text
            self.advance()
        if found in _NOT_D:
            raise CompileError("D_DECL_BADCLASS", f"storage class {found} is not appropriate in D", self.last)
        return found

    def _declarator(self, start: Token, scope: str | None, words: tuple[str, ...]) -> ast.Declaration:
        stars = self.stars()
        kind = ast.TypeName(start.span.to(self.last), words, stars)
        if self.token.is_("("):
            raise not_built("a declarator in parentheses", self.token.span)
        if self.token.kind is not Kind.IDENT:
            raise self.syntax_error()
        name = self.token.value
        self.advance()
        keys = self._key_types() if self.token.is_("[") else None
        if self.token.is_("["):
            raise not_built("a declaration of an array of arrays", self.token.span)
        return ast.Declaration(start.span.to(self.last), scope, kind, name, keys)

    def _key_types(self) -> tuple[ast.TypeName, ...]:
        self.advance()
        if self.token.is_("]"):
            text = "array declaration requires array dimension or tuple signature"
            raise CompileError("D_DECL_ARRNULL", text, self.token.span)
        if self.token.kind is Kind.INT:
            raise not_built("a declaration of a C array", self.token.span)
        keys = [self._key_type()]
        while self.token.is_(","):
            self.advance()
            keys.append(self._key_type())
        self.expect("]")
        return tuple(keys)

    def _key_type(self) -> ast.TypeName:
        """A key's type; a name may follow, and means nothing."""
        if self.token.is_("..."):
            text = "associative arrays may not have a variable number of keys"
            raise CompileError("D_DECL_PROTO_VARARGS", text, self.token.span)
        kind = self.type_name()
        if self.token.kind is Kind.IDENT:
            self.advance()
        return kind
