"""The outer level of a program: clauses and declarations, up to what is inside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar.lexer import COMMENT, Control, Kind, Lexer, Token, syntax_error
from dtrace_py.lang.grammar.macros import Macros
from dtrace_py.lang.grammar.names import Names
from dtrace_py.lang.grammar.tree import Clause, Description, Program
from dtrace_py.lang.source import Source, Span

if TYPE_CHECKING:
    from dtrace_py.lang.grammar.ast import Outer
    from dtrace_py.lang.grammar.reader import Reader
    from dtrace_py.lang.grammar.statements import StatementParser

_DECLARES = frozenset(
    "auto char const double enum extern float inline int long provider register restrict self short signed static string "
    "struct this translator typedef union unsigned userland void volatile counter import".split()
)
"""Words that begin a declaration at the outer level."""

_GAP = rf"(?:[\s*]|{COMMENT}|(?:const|volatile|restrict|userland|self|this|extern|typedef)\b)*+"
_DECLARED = re.compile(rf"{_GAP}(?:[A-Za-z_]\w*+{_GAP}[;\[,=(]|\()", re.ASCII)
"""What follows a type name in a declaration; looked for first, because asking for kernel types is slow."""

_DESCRIPTION_MACRO = re.compile(r"\$\$?(\d+|[^:]*)")


def parse(
    source: Source,
    macros: Macros,
    control: Control,
    is_type: Callable[[str], bool],
    describes: Callable[[], bool] = lambda: False,
) -> Program:
    """The syntax tree of a source. ``control`` sees its pragmas as they are met; ``is_type`` knows the names of types, and
    ``describes`` whether what might begin with one is a probe description all the same (option pspec)."""
    parser = Parser(source, macros, control, is_type, describes)
    items = tuple(parser.items())
    return Program(Span(0, len(source.text), 1), items, tuple(parser.errors))


class Parser:
    """One source's parser. ``token`` is the one not yet consumed, read as one of the outer level."""

    def __init__(
        self,
        source: Source,
        macros: Macros,
        control: Control,
        is_type: Callable[[str], bool],
        describes: Callable[[], bool] = lambda: False,
    ) -> None:
        self.source = source
        self.macros = macros
        self.names = Names(is_type)
        self.describes = describes
        self.lexer = Lexer(source, macros, control)
        self.token = Token(Kind.PUNCTUATION, "", Span(0, 0, 1))
        self.last = self.token.span
        """The place of the token before it."""

    @property
    def errors(self) -> list[CompileError]:
        """What was wrong up to here, in the order in which it was met."""
        return self.lexer.errors

    @cached_property
    def inside(self) -> StatementParser:
        """The parser of what is inside clauses, imported when there is something."""
        from dtrace_py.lang.grammar.statements import StatementParser

        return StatementParser(self.lexer, self.names)

    def _leave(self, inner: Reader) -> None:
        """Go on behind the token that ended what an inner parser read."""
        self.token = inner.token
        self.advance()

    def advance(self) -> None:
        """Read the next token of the outer level."""
        self.last = self.token.span
        self.token = self.lexer.outer()

    def items(self) -> Iterator[Clause | Outer]:
        """Clauses and declarations, each as soon as it has been read; those with errors are left out."""
        self._resume()
        while self.token.kind is not Kind.END:
            start, declares = self.token, self._at_declaration()
            try:
                item = self._declaration() if declares else self.clause()
            except CompileError as error:
                self.lexer.rewind(start)
                self._skip(error, ";" if declares else ";}")
                self._resume()
            else:
                yield item

    def _resume(self) -> None:
        """Read the next token of the outer level; where there is none to be read, that of a later place."""
        while True:
            try:
                return self.advance()
            except CompileError as error:
                self._skip(error, ";}")

    def _skip(self, error: CompileError, stops: str) -> None:
        self.errors.append(error)
        self.lexer.skip(error.span.start if error.span else self.lexer.at, stops)

    def _declaration(self) -> Outer:
        from dtrace_py.lang.grammar.declarations import DeclarationParser

        inner = DeclarationParser(self.lexer, self.names)
        made = inner.declaration(self.token)
        self._leave(inner)
        return made

    def _at_declaration(self) -> bool:
        text = self.token.text
        if self.token.kind is not Kind.DESCRIPTION or ":" in text:
            return False
        # L16: "int*" is a type and a star, unless the part before the star is no type.
        word = text.rstrip("*")
        if self.describes():
            return text in _DECLARES
        if word in _DECLARES:
            return True
        return bool(_DECLARED.match(self.lexer.text, self.lexer.at)) and self.names.is_type(word)

    def clause(self) -> Clause:
        start = self.token.span
        descriptions = [self._description()]
        while self.token.is_(","):
            self.advance()
            descriptions.append(self._description())
        predicate = body = None
        if self.token.is_("/"):
            predicate = self.inside.predicate()
            self._leave(self.inside)
        if self.token.is_("{"):
            body = self.inside.block()
            self._leave(self.inside)
        elif predicate is not None:
            text = "expected actions { } following probe description and predicate"
            raise CompileError("D_SYNTAX", text, predicate.span)
        elif self.source.is_script:
            text = "expected predicate and/or actions following probe description"
            raise CompileError("D_SYNTAX", text, descriptions[0].span)
        return Clause(start.to(self.last), tuple(descriptions), predicate, body)

    def _description(self) -> Description:
        token = self.token
        if token.kind is not Kind.DESCRIPTION:
            raise syntax_error(token)
        self.advance()
        return Description(token.span, self._expanded(token))

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
