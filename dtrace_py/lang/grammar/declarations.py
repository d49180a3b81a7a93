"""Declarations: variables, types, inlines, translators, providers (contract 3.4)."""

from __future__ import annotations

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.grammar.expressions import ExpressionParser
from dtrace_py.lang.grammar.lexer import Token
from dtrace_py.lang.source import Span

_NOT_D = frozenset("auto register static".split())
"""C's storage classes, which D has no use for."""


class DeclarationParser(ExpressionParser):
    """Reads one declaration at a time; its semicolon is then the current token."""

    def declaration(self, start: Token) -> ast.Outer:
        """A declaration from its first word, which the lexer goes back to."""
        self.lexer.rewind(start)
        self.advance()
        match start.text:
            case "inline":
                with self.names.local():
                    inline = self._inline(start)
                self.names.values([inline.declarator.name])
                return inline
            case "translator":
                with self.names.local():
                    return self._translator(start)
            case "provider":
                return self._provider(start)
        return self._declaration(start)

    def _declaration(self, start: Token) -> ast.Declaration:
        storage, specifier = self.specifiers()
        if storage in _NOT_D:
            raise CompileError("D_DECL_BADCLASS", f"storage class {storage} is not appropriate in D", start.span)
        declarators: list[ast.Declarator] = []
        if self.token.is_(";"):
            if isinstance(specifier, ast.Words):
                raise CompileError("D_DECL_USELESS", "declaration declares nothing", start.span.to(self.last))
        else:
            declarators.append(self.declarator())
        while declarators and self.token.is_(","):
            self.advance()
            declarators.append(self.declarator())
        if storage not in ("self", "this"):
            (self.names.types if storage == "typedef" else self.names.values)(each.name for each in declarators)
        return ast.Declaration(self._end(start), storage, specifier, tuple(declarators))

    def _end(self, start: Token) -> Span:
        """The place of a declaration that ends in the current token."""
        if not self.token.is_(";"):
            raise self.syntax_error()
        return start.span.to(self.last)

    def _inline(self, start: Token) -> ast.Inline:
        """D6."""
        self.advance()
        storage, specifier = self.specifiers()
        if storage is not None:
            text = f"storage class {storage} is not appropriate in an inline definition"
            raise CompileError("D_DECL_BADCLASS", text, start.span.to(self.last))
        declarator = self.declarator()
        for layer in declarator.layers:
            if isinstance(layer, ast.KeyedBy):
                self.names.values(key.name for key in layer.keys if key.name)
        self.expect("=")
        value = self.assignment()
        return ast.Inline(self._end(start), specifier, declarator, value)

    def _translator(self, start: Token) -> ast.Translator:
        """D7."""
        self.advance()
        output = self.type_name()
        self.expect("<")
        given = self.type_name()
        name = self.identifier()
        self.names.values([name])
        self.expect(">")
        self.expect("{")
        members: list[ast.Translation] = []
        while not self.token.is_("}"):
            first = self.token
            member = self.member_name()
            self.expect("=")
            value = self.assignment()
            self.expect(";")
            members.append(ast.Translation(first.span.to(self.last), member, value))
        self.advance()
        return ast.Translator(self._end(start), output, given, name, tuple(members))

    def _provider(self, start: Token) -> ast.Provider:
        """D9."""
        self.advance()
        name = self.identifier()
        self.expect("{")
        probes: list[ast.Probe] = []
        while not self.token.is_("}"):
            probes.append(self._probe())
        self.advance()
        return ast.Provider(self._end(start), name, tuple(probes))

    def _probe(self) -> ast.Probe:
        start = self.token
        self.expect("probe")
        name = self.identifier()
        arguments = self._prototype()
        translated: tuple[ast.Parameter, ...] | None = None
        if self.token.is_(":"):
            self.advance()
            translated = self._prototype()
        self.expect(";")
        return ast.Probe(start.span.to(self.last), name, arguments, translated)

    def _prototype(self) -> tuple[ast.Parameter, ...]:
        self.expect("(")
        parameters, variadic = self.parameters(")")
        if variadic:
            text = "probe prototypes may not have a variable number of arguments"
            raise CompileError("D_DECL_PROTO_VARARGS", text, self.last)
        return parameters
