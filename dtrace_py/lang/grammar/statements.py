"""What stands inside clauses: predicates and statements."""

from __future__ import annotations

from dtrace_py.lang.grammar import ast
from dtrace_py.lang.grammar.expressions import ExpressionParser
from dtrace_py.lang.grammar.lexer import Kind


class StatementParser(ExpressionParser):
    """Reads one such piece at a time. Each method returns with the lexer behind the token that ends the piece."""

    def predicate(self) -> ast.Expr:
        """The expression between the slashes; the first one has been read."""
        self.advance()
        predicate = self.expression()
        if self.token.kind is not Kind.PREDICATE_END:
            raise self.syntax_error()
        return predicate

    def block(self) -> tuple[ast.Statement, ...]:
        """The statements of a clause; the opening brace has been read."""
        self.advance()
        return self._statements()

    def _statements(self) -> tuple[ast.Statement, ...]:
        """Statements up to the closing brace, which stays the current token (P31)."""
        statements: list[ast.Statement] = []
        while not self.token.is_("}"):
            statements += self._statement()
        return tuple(statements)

    def _statement(self) -> list[ast.Statement]:
        """One statement and what ends it; none if it is empty."""
        if self.token.is_(";"):
            self.advance()
            return []
        if self.token.is_("if"):
            return [self._if()]
        statement = self.expression()
        if self.token.is_(";"):
            self.advance()
        elif not self.token.is_("}"):
            raise self.syntax_error()
        return [statement]

    def _if(self) -> ast.If:
        """P30. An ``else`` belongs to the nearest ``if``."""
        start = self.token
        self.descend()
        self.advance()
        self.expect("(")
        condition = self.expression()
        self.expect(")")
        yes = self._arm()
        no: tuple[ast.Statement, ...] = ()
        if self.token.is_("else"):
            self.advance()
            no = self._arm()
        self.depth -= 1
        return ast.If(start.span.to(self.last), condition, yes, no)

    def _arm(self) -> tuple[ast.Statement, ...]:
        """A statement or a block."""
        if not self.token.is_("{"):
            return tuple(self._statement())
        self.advance()
        statements = self._statements()
        self.expect("}")
        return statements
