"""Types as written: specifiers, declarators, type names (contract 3.4)."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.grammar.lexer import COMMENT, Kind, Token
from dtrace_py.lang.grammar.reader import MAX_DEPTH, Reader
from dtrace_py.lang.source import Span

STORAGE = frozenset("auto register static extern typedef self this".split())
QUALIFIERS = frozenset("const volatile restrict userland import".split())
_ATTRIBUTES = frozenset("signed unsigned short long".split())
_TAGGED = frozenset("struct union enum".split())
_TYPE_WORDS = frozenset("char double float int long short signed string unsigned void".split()) | _TAGGED | QUALIFIERS

_GAP = rf"(?:\s|{COMMENT}|(?:const|volatile|restrict|userland)\b)*+"
_NOT_OPERAND = r"[;)\],?:/%<>=|^}.]|->|&&|!=|[-+*&]=|\Z"
"""What cannot begin the operand of a cast."""
_MAY_BE_TYPE = rf"{_GAP}(?:(?:\*{_GAP})*+[)\[]|\(\s*+\*)"
_MAY_BE_CAST = rf"{_GAP}(?:(?:\*{_GAP})++[)\[]|\(\s*+\*|\)(?!{_GAP}(?:{_NOT_OPERAND})))"
"""What follows the first word of a type in parentheses. Looked for first, because asking for kernel types is slow: for
``(x)->y``, ``(x * 2)``, ``(a[1])`` or ``(strlen(s) + 1)`` nobody is asked. (Compiled when there is something to look at.)"""


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII)


class Specifiers(NamedTuple):
    """What a declaration begins with."""

    storage: str | None
    specifier: ast.Specifier


class DeclaratorParser(Reader):
    """The part of the parser that reads types."""

    def constant(self) -> ast.Expr:
        """A constant expression; the parser of expressions has it."""
        raise NotImplementedError

    def at_type(self) -> bool:
        if self.token.kind is Kind.KEYWORD:
            return self.token.text in _TYPE_WORDS
        return self.token.kind is Kind.IDENT and self.names.is_type(self.token.value)

    def at_type_in_parentheses(self, cast: bool) -> bool:
        """Whether the parenthesis just passed encloses a type, as that of a cast or of sizeof."""
        after = _MAY_BE_CAST if cast else _MAY_BE_TYPE
        if self.token.kind is Kind.IDENT and not _pattern(after).match(self.lexer.text, self.lexer.at):
            return False
        return self.at_type()

    def type_name(self) -> ast.TypeName:
        """A type without a name."""
        start = self.token
        specifier = self.specifiers(allowed=frozenset()).specifier
        _, layers = self._layers(named=False)
        return ast.TypeName(start.span.to(self.last), specifier, layers)

    # What a type is made from

    def specifiers(self, allowed: frozenset[str] = STORAGE) -> Specifiers:
        """Storage class, qualifiers and the words of a type, in any order."""
        start = self.token
        storage: str | None = None
        words: list[str] = []
        tagged: list[ast.Struct | ast.Enum] = []
        qualifiers: list[str] = []
        while True:
            token = self.token
            if token.is_(*allowed):
                storage = self._storage(storage)
            elif token.is_(*QUALIFIERS):
                qualifiers.append(token.text)
                self.advance()
            elif token.is_(*_TAGGED):
                tagged.append(self._enum() if token.text == "enum" else self._struct())
            elif not self._another_word(words, bool(tagged)):
                break
            else:
                words.append(token.value)
                self.advance()
        if not words and not tagged:
            raise self.syntax_error()
        if len(tagged) + bool(words) > 1:
            raise _combination(words, tagged, start.span.to(self.last))
        span, qualified = start.span.to(self.last), tuple(qualifiers)
        match tagged:
            case [ast.Struct() as made]:
                return Specifiers(storage, ast.Struct(span, qualified, made.keyword, made.tag, made.members))
            case [ast.Enum() as made]:
                return Specifiers(storage, ast.Enum(span, qualified, made.tag, made.enumerators))
        return Specifiers(storage, ast.Words(span, qualified, tuple(words)))

    def _another_word(self, words: list[str], tagged: bool) -> bool:
        """Whether the token is one more word of the type; the declared name may be spelled like a type."""
        if self.token.kind is not Kind.IDENT or not (words or tagged):
            return self.at_type()
        # "unsigned pid_t x" is an error of its own, but "unsigned x" is none, even if there are types of that name.
        return not tagged and _ATTRIBUTES.issuperset(words) and self._another_follows() and self.at_type()

    def _another_follows(self) -> bool:
        ahead = self.peek()
        return ahead.kind is Kind.IDENT or ahead.is_("*")

    def _storage(self, known: str | None) -> str:
        if known is not None:
            text = "only one storage class may be specified in a declaration"
            raise CompileError("D_DECL_CLASS", text, self.token.span)
        found = self.token.text
        self.advance()
        return found

    def _tag(self) -> str | None:
        """The tag behind ``struct``, ``union`` or ``enum``; there is one, or an opening brace."""
        self.advance()
        if self.token.is_("{"):
            return None
        return self.identifier()

    def _struct(self) -> ast.Struct:
        start = self.token
        tag = self._tag()
        members = self._members() if self.token.is_("{") else None
        return ast.Struct(start.span.to(self.last), (), start.text, tag, members)

    def _members(self) -> tuple[ast.Members, ...]:
        self.descend()
        self.advance()
        lines: list[ast.Members] = []
        while not (lines and self.token.is_("}")):
            start = self.token
            specifier = self.specifiers(allowed=frozenset()).specifier
            declarators: list[ast.Declarator] = []
            anonymous = isinstance(specifier, ast.Struct) and specifier.members is not None
            if not (anonymous and self.token.is_(";")):
                declarators = [self._member()]
                while self.token.is_(","):
                    self.advance()
                    declarators.append(self._member())
            self.expect(";")
            lines.append(ast.Members(start.span.to(self.last), specifier, tuple(declarators)))
        self.advance()
        self.depth -= 1
        return tuple(lines)

    def _member(self) -> ast.Declarator:
        declarator = self.declarator()
        if not self.token.is_(":"):
            return declarator
        self.advance()
        width = self.constant()
        return ast.Declarator(declarator.span.to(self.last), declarator.name, declarator.layers, width)

    def _enum(self) -> ast.Enum:
        start = self.token
        tag = self._tag()
        enumerators: list[ast.Enumerator] | None = None
        if self.token.is_("{"):
            self.advance()
            enumerators = [self._enumerator()]
            while self.token.is_(","):
                self.advance()
                if self.token.is_("}"):
                    break
                enumerators.append(self._enumerator())
            self.expect("}")
        made = None if enumerators is None else tuple(enumerators)
        return ast.Enum(start.span.to(self.last), (), tag, made)

    def _enumerator(self) -> ast.Enumerator:
        start = self.token
        name = self.identifier()
        self.names.values([name])
        value = None
        if self.token.is_("="):
            self.advance()
            value = self.constant()
        return ast.Enumerator(start.span.to(self.last), name, value)

    # What stands around a name

    def declarator(self) -> ast.Declarator:
        """A name with the stars, brackets and parentheses around it."""
        start = self.token
        name, layers = self._layers(named=True)
        assert name is not None
        return ast.Declarator(start.span.to(self.last), name, layers)

    def _layers(self, named: bool | None) -> tuple[str | None, tuple[ast.Layer, ...]]:
        """The name (where ``named`` is not False; it must be there where that is True) and what stands around it."""
        self.descend()
        layers = self._pointers()
        name: str | None = None
        around: tuple[ast.Layer, ...] = ()
        if self.token.is_("(") and self._nests(named):
            self.advance()
            name, around = self._layers(named)
            self.expect(")")
        elif named is not False and self.token.kind is Kind.IDENT:
            name = self.identifier()
        elif named:
            raise self.syntax_error()
        made = (*layers, *reversed(self._suffixes()), *around)
        if len(made) > MAX_DEPTH:
            raise CompileError("D_SYNTAX", f"nested more than {MAX_DEPTH} deep", self.token.span)
        self.depth -= 1
        return name, made

    def _nests(self, named: bool | None) -> bool:
        """Whether the parenthesis encloses a declarator; else it begins the parameters of a function without a name."""
        if named:
            return True
        ahead = self.peek()
        if ahead.is_("*", "(", "["):
            return True
        return named is None and ahead.kind is Kind.IDENT and not self.names.is_type(ahead.value)

    def peek(self) -> Token:
        """The token behind the current one, not consumed."""
        token = self.lexer.inner()
        self.lexer.rewind(token)
        return token

    def _pointers(self) -> list[ast.Layer]:
        layers: list[ast.Layer] = []
        while self.token.is_("*"):
            start = self.token
            self.advance()
            qualifiers: list[str] = []
            while self.token.is_(*QUALIFIERS):
                qualifiers.append(self.token.text)
                self.advance()
            layers.append(ast.Pointer(start.span.to(self.last), tuple(qualifiers)))
        return layers

    def _suffixes(self) -> list[ast.Layer]:
        layers: list[ast.Layer] = []
        while self.token.is_("[", "("):
            layers.append(self._array() if self.token.is_("[") else self._function())
        return layers

    def _array(self) -> ast.Layer:
        start = self.token
        self.advance()
        if self.at_type() or self.token.is_("...", *STORAGE):
            keys, variadic = self.parameters("]")
            if variadic:
                text = "associative arrays may not have a variable number of keys"
                raise CompileError("D_DECL_PROTO_VARARGS", text, self.last)
            return ast.KeyedBy(start.span.to(self.last), keys)
        count = None if self.token.is_("]") else self.constant()
        self.expect("]")
        return ast.ArrayOf(start.span.to(self.last), count)

    def _function(self) -> ast.Layer:
        start = self.token
        self.advance()
        parameters, variadic = self.parameters(")")
        return ast.FunctionOf(start.span.to(self.last), parameters, variadic)

    def parameters(self, end: str) -> tuple[tuple[ast.Parameter, ...], bool]:
        """Parameters up to and including the closing bracket, and whether ``...`` ends them."""
        parameters: list[ast.Parameter] = []
        variadic = False
        while not self.token.is_(end):
            if self.token.is_("..."):
                variadic = True
                self.advance()
                break
            parameters.append(self._parameter())
            if not self.token.is_(","):
                break
            self.advance()
            if self.token.is_(end):
                raise self.syntax_error()
        self.expect(end)
        return tuple(parameters), variadic

    def _parameter(self) -> ast.Parameter:
        start = self.token
        storage, specifier = self.specifiers()
        if storage not in (None, "register"):
            text = "inappropriate storage class for function or associative array parameter"
            raise CompileError("D_DECL_PARMCLASS", text, start.span.to(self.last))
        name, layers = self._layers(named=None)
        span = start.span.to(self.last)
        return ast.Parameter(span, ast.TypeName(span, specifier, layers), name)


def _combination(words: list[str], tagged: list[ast.Struct | ast.Enum], span: Span) -> CompileError:
    """What is wrong with words besides a structure or enumeration."""
    if len(tagged) > 1 or not {"signed", "unsigned", "short", "long"}.issuperset(words):
        text = " ".join([*words, *map(str, tagged)])
        return CompileError("D_DECL_COMBO", f"invalid type declaration: {text}", span)
    if {"signed", "unsigned"}.intersection(words):
        text = "signed and unsigned may only be used with integer type"
        return CompileError("D_DECL_SIGNINT", f"invalid type declaration: {text}", span)
    return CompileError(
        "D_DECL_LONGINT", f"invalid type declaration: {min(words)} may only be used with arithmetic type", span
    )
