"""Programs, clauses and declarations: recursive descent over the lexer's two contexts."""

from __future__ import annotations

import re
from collections.abc import Callable

from dtrace_py.lang import ast
from dtrace_py.lang.errors import CompileError, not_built
from dtrace_py.lang.expressions import ExpressionParser
from dtrace_py.lang.lexer import Control, Kind, Lexer, Token
from dtrace_py.lang.macros import Macros
from dtrace_py.lang.source import Source, Span

_DECLARES = frozenset(
    "auto char const double enum extern float inline int long provider register restrict self short signed static string "
    "struct this translator typedef union unsigned userland void volatile counter import".split()
)
"""Words that begin a declaration at the outer level."""

_LATER = {"inline": "inline", "typedef": "typedef", "translator": "translator", "provider": "provider"}
_LATER |= {"enum": "enum", "import": "import", "counter": "counter"}

_DECLARED = re.compile(r"[\s*]*[A-Za-z_]\w*\s*[;\[,=]")
"""What follows a type name in a declaration; looked for first, because asking for kernel types is slow."""

_DESCRIPTION_MACRO = re.compile(r"\$\$?(\d+|[^:]*)")


def parse(source: Source, macros: Macros, control: Control, is_type: Callable[[str], bool]) -> ast.Program:
    """The syntax tree of a source. ``control`` sees its pragmas as they are met; ``is_type`` knows the names of types."""
    return Parser(source, macros, control, is_type).program()


class Parser(ExpressionParser):
    """One source's parser."""

    def __init__(self, source: Source, macros: Macros, control: Control, is_type: Callable[[str], bool]) -> None:
        super().__init__(Lexer(source, macros, control), is_type)
        self.source = source
        self.macros = macros

    def program(self) -> ast.Program:
        items: list[ast.Clause | ast.Declaration] = []
        self.token = self.lexer.outer()
        while self.token.kind is not Kind.END:
            items.append(self.declaration() if self._at_declaration() else self.clause())
        return ast.Program(Span(0, len(self.source.text), 1), tuple(items))

    def _at_declaration(self) -> bool:
        text = self.token.text
        if self.token.kind is not Kind.DESCRIPTION or ":" in text:
            return False
        # L16: "int*" is a type and a star, unless the part before the star is no type.
        word = text.rstrip("*")
        if word in _DECLARES:
            return True
        return bool(_DECLARED.match(self.lexer.text, self.lexer.at)) and self.is_type(word)

    # Clauses

    def clause(self) -> ast.Clause:
        start = self.token.span
        descriptions = [self._description()]
        while self.token.is_(","):
            self.token = self.lexer.outer()
            descriptions.append(self._description())
        predicate = self._predicate() if self.token.is_("/") else None
        body = None
        if self.token.is_("{"):
            self.advance()
            body = self._statements()
        elif predicate is not None:
            raise self._expected("expected actions { } following probe description and predicate")
        elif self.source.is_script:
            raise self._expected("expected predicate and/or actions following probe description")
        return ast.Clause(start.to(self.last), tuple(descriptions), predicate, body)

    def _description(self) -> ast.Description:
        token = self.token
        if token.kind is not Kind.DESCRIPTION:
            raise self.syntax_error()
        self.last = token.span
        self.token = self.lexer.outer()
        return ast.Description(token.span, self._expanded(token))

    def _expanded(self, token: Token) -> str:
        """The text of a description with macros replaced, one a field (P13)."""

        def replace(match: re.Match[str]) -> str:
            try:
                return self.macros.text(match[1], False, token.span)
            except CompileError:
                reason = "Undefined macro variable in probe description"
                raise CompileError(
                    "D_PDESC_INVAL", f'invalid probe description "{token.text}": {reason}', token.span
                ) from None

        return ":".join(_DESCRIPTION_MACRO.sub(replace, field, count=1) for field in token.text.split(":"))

    def _predicate(self) -> ast.Expr:
        self.advance()
        predicate = self.expression()
        if self.token.kind is not Kind.PREDICATE_END:
            raise self.syntax_error()
        self.last = self.token.span
        self.token = self.lexer.outer()
        return predicate

    def _statements(self) -> tuple[ast.Expr, ...]:
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
        self.last = self.token.span
        self.token = self.lexer.outer()
        return tuple(statements)

    def _expected(self, what: str) -> CompileError:
        return CompileError("D_SYNTAX", what, self.token.span)

    # Declarations

    def declaration(self) -> ast.Declaration:
        start = self.token
        self.lexer.rewind(start)
        self.advance()
        if self.token.text in _LATER:
            raise not_built(f"a declaration with {_LATER[self.token.text]}", self.token.span)
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
        self.last = self.token.span
        self.token = self.lexer.outer()
        return ast.Declaration(start.span.to(self.last), scope, base, name, keys)

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
