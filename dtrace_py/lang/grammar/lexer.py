"""D's tokens. What a character means depends on where it stands: in a probe description or in an expression."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar.macros import NAME as MACRO
from dtrace_py.lang.grammar.macros import Macros
from dtrace_py.lang.source import Source, Span


class Kind(Enum):
    """What a token is. ``DESCRIPTION`` is a probe description, and any other word at the outer level."""

    DESCRIPTION = "probe description"
    IDENT = "identifier"
    KEYWORD = "keyword"
    INT = "integer"
    CHAR = "character"
    STRING = "string"
    AGGREGATION = "aggregation"
    PUNCTUATION = "punctuation"
    PREDICATE_END = "end of predicate"
    END = "end of input"


class Token(NamedTuple):
    """A token: its text as written, its value (strings without quotes and escapes), its place."""

    kind: Kind
    text: str
    span: Span
    value: str = ""

    def is_(self, *texts: str) -> bool:
        """Whether this is one of these pieces of punctuation or keywords."""
        return self.kind in (Kind.PUNCTUATION, Kind.KEYWORD) and self.text in texts


def syntax_error(token: Token) -> CompileError:
    """The error for a token that may not stand where it does (N6)."""
    near = "end of input" if token.kind is Kind.END else f'"{token.text}"'
    return CompileError("D_SYNTAX", f"syntax error near {near}", token.span)


KEYWORDS = frozenset(
    "auto break case char const continue counter default do double else enum extern float for goto if import inline int "
    "long offsetof probe provider register restrict return self short signed sizeof static string stringof struct switch "
    "this translator typedef union unsigned userland void volatile while xlate".split()
)
"""The reserved words (L13)."""

COMMENT = r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/"
"""For looking ahead; the lexer itself knows what is wrong with a comment. (Not possessive: Python 3.11.2 gets that wrong.)"""
_SPACE = re.compile(r"[ \t\r\v\f]+|\\\n")
_DESCRIPTION = re.compile(r"[-$:_.?*\\\[\]!A-Za-z][-$:_.?*\\\[\]!A-Za-z0-9`]*|[0-9]+")
_IDENT = re.compile(r"[A-Za-z_]\w*(`+[A-Za-z_]\w*)*|`+[A-Za-z_]\w*|[0-9]\w*`+[A-Za-z_]\w*", re.ASCII)
_FLOAT = re.compile(r"[0-9]+\.[0-9]*([eE][-+]?[0-9]+)?|\.[0-9]+([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+")
_NUMBER = re.compile(r"[0-9][0-9A-Za-z_]*")
_SIGNED = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|[0-9]+)([uU]?)[lL]?[lL]?")
"""An integer as an operand of the command."""
_AGGREGATION = re.compile(r"@([A-Za-z_]\w*)?", re.ASCII)
_PUNCTUATION = re.compile(
    r"\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\^\^|\|\||[-+*/%&|^]=|[][(){}<>.,;:?=!~+\-*/%&|^]"
)
_PREDICATE_ENDS = re.compile(r"/[ \t\n\r\v\f]*+([{;/]|\Z)")
_ESCAPE = re.compile(r'\\([abfnrtv\\"]|[0-7]{1,3}|x[0-9A-Fa-f]+)')
_SIMPLE_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34}
_QUOTED = {'"': re.compile(r'"((?:[^"\\\n]|\\.)*)"'), "'": re.compile(r"'((?:[^'\\\n]|\\.)*?)'")}

Control = Callable[[str, Span], tuple[int, str | None] | None]
"""Handles a control line (its text from the # on); may return the line number and file of the line that follows."""


def unescape(text: str) -> str:
    """Replace the escapes of a string or character constant; any other backslash stays (L7)."""

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if code in _SIMPLE_ESCAPES:
            return chr(_SIMPLE_ESCAPES[code])
        value = int(code[1:], 16) if code[0] == "x" else int(code, 8)
        return chr(value & 0xFF)

    return _ESCAPE.sub(replace, text)


def _too_big(digits: str, bits: int) -> bool:
    """Whether a number, of any length, needs more bits; wrong digits are found later."""
    if digits[1:2] in ("x", "X"):
        return int(digits, 16) >> bits > 0
    if digits[0] == "0" and not set(digits) & {"8", "9"}:
        return int(digits, 8) >> bits > 0
    return len(digits.lstrip("0")) > 20 or int(digits[-20:]) >> bits > 0


class Lexer:
    """Reads tokens one at a time; the parser says which of the two contexts the next one stands in."""

    def __init__(self, source: Source, macros: Macros, control: Control) -> None:
        self.source = source
        self.macros = macros
        self.control = control
        self.text = source.text
        self.at = 0
        self.line = 1
        self.file: str | None = None
        self.errors: list[CompileError] = []
        """What was wrong with control lines; the text around them makes sense without."""
        self._obeyed: dict[int, tuple[int, str | None] | None] = {}
        """What control lines said, by their place: a look ahead or back does not obey them again."""

    def rewind(self, token: Token) -> None:
        """Go back to the start of a token, to read it again in the other context."""
        self.at, self.line, self.file = token.span.start, token.span.line, token.span.file

    def outer(self) -> Token:
        """The next token at the outer level of a program, where words are probe descriptions."""
        self._skip_space()
        if match := _DESCRIPTION.match(self.text, self.at):
            return self._take(Kind.DESCRIPTION, match)
        return self._common()

    def inner(self) -> Token:
        """The next token of an expression, a statement or a declaration."""
        self._skip_space()
        if match := _IDENT.match(self.text, self.at):
            return self._word(match)
        first = self.text[self.at : self.at + 1]
        if first == "$" and (match := MACRO.match(self.text, self.at)):
            return self._macro(match)
        if first == "@" and (match := _AGGREGATION.match(self.text, self.at)):
            return self._take(Kind.AGGREGATION, match, match[1] or "_")
        if first.isdigit() or first == ".":
            if _FLOAT.match(self.text, self.at):
                raise self._error("D_SYNTAX", "floating-point constants are not permitted")
            if match := _NUMBER.match(self.text, self.at):
                return self._take(Kind.INT, match, match[0])
        if first == "/" and _PREDICATE_ENDS.match(self.text, self.at):
            return self._advance(Kind.PREDICATE_END, 1)
        return self._common()

    def skip(self, wrong: int, stops: str) -> None:
        """Go on behind an error at a place: behind the next of these marks, outside of braces that open from here on."""
        depth = 0
        while self.at < len(self.text):
            try:
                found = self.inner()
            except CompileError:
                self._pass_junk()
                continue
            depth += found.is_("{") - found.is_("}")
            if depth <= 0 and found.span.start >= wrong and found.is_(*stops):
                return

    def _pass_junk(self) -> None:
        """Pass what is no token: a whole comment or line of a quotation, so that text is not searched over and over."""
        start, length = self.at, len(self.text)
        if self.text.startswith("/*", start):
            end = self.text.find("*/", start)
            self.at = length if end < 0 else end + 2
        elif self.text.startswith(tuple(_QUOTED), start):
            end = self.text.find("\n", start)
            self.at = length if end < 0 else end
        else:
            self.at = min(start + 1, length)
        self.line += self.text.count("\n", start, self.at)

    def _common(self) -> Token:
        if self.at == len(self.text):
            return self._advance(Kind.END, 0)
        if (quote := self.text[self.at]) in _QUOTED:
            return self._quoted(quote)
        if match := _PUNCTUATION.match(self.text, self.at):
            return self._take(Kind.PUNCTUATION, match)
        raise self._error("D_SYNTAX", f'syntax error near "{self.text[self.at]}"')

    def _word(self, match: re.Match[str]) -> Token:
        return self._take(Kind.KEYWORD if match[0] in KEYWORDS else Kind.IDENT, match, match[0])

    def _macro(self, match: re.Match[str]) -> Token:
        """A macro becomes the token that its text spells (L31-L33)."""
        token = self._take(Kind.STRING, match)
        as_string = match[0].startswith("$$")
        text = self.macros.text(match[1], as_string, token.span)
        if as_string:
            return Token(Kind.STRING, token.text, token.span, unescape(text))
        if number := _SIGNED.fullmatch(text):
            if _too_big(number[1], 64 if number[2] else 63):
                what = f"macro argument {token.text} constant {text} results in integer overflow"
                raise CompileError("D_MACRO_OFLOW", what, token.span)
            return Token(Kind.INT, token.text, token.span, text)
        if _IDENT.fullmatch(text):
            return Token(Kind.KEYWORD if text in KEYWORDS else Kind.IDENT, text, token.span, text)
        if len(text) >= 2 and text[0] == text[-1] == '"':
            text = text[1:-1]
        return Token(Kind.STRING, token.text, token.span, unescape(text))

    def _quoted(self, quote: str) -> Token:
        string = quote == '"'
        match = _QUOTED[quote].match(self.text, self.at)
        what = "string" if string else "character"
        if match is None and self.text.find("\n", self.at) < 0:
            raise self._error("D_SYNTAX", f"end-of-file encountered before end of {what} literal")
        if match is None:
            raise self._error("D_STR_NL" if string else "D_CHR_NL", f"newline encountered in {what} literal")
        value = unescape(match[1])
        if not string and not value:
            raise self._error("D_CHR_NULL", "empty character constant")
        if not string and len(value) > 8:
            raise self._error("D_CHR_OFLOW", "character constant is too long")
        return self._take(Kind.STRING if string else Kind.CHAR, match, value)

    def _take(self, kind: Kind, match: re.Match[str], value: str = "") -> Token:
        return self._advance(kind, match.end() - match.start(), value)

    def _advance(self, kind: Kind, length: int, value: str = "") -> Token:
        text = self.text[self.at : self.at + length]
        token = Token(kind, text, self._span(length), value)
        self.at += length
        self.line += text.count("\n")
        return token

    def _skip_space(self) -> None:
        """Pass white space, comments and control lines (L8-L12)."""
        while self.at < len(self.text):
            if match := _SPACE.match(self.text, self.at):
                self.line += match[0].count("\n")
                self.at = match.end()
            elif self.text[self.at] == "\n":
                self.at += 1
                self.line += 1
            elif self.text.startswith("/*", self.at):
                self._skip_comment()
            elif self.text[self.at] == "#" and self._starts_line():
                self._control_line()
            else:
                return

    def _skip_comment(self) -> None:
        end = self.text.find("*/", self.at + 2)
        nested = self.text.find("/*", self.at + 2)
        if end < 0:
            raise self._error("D_SYNTAX", "end-of-file encountered before matching */")
        if 0 <= nested < end:
            raise self._error("D_SYNTAX", "/* encountered inside a comment")
        self.line += self.text.count("\n", self.at, end)
        self.at = end + 2

    def _starts_line(self) -> bool:
        return not self.text[self.text.rfind("\n", 0, self.at) + 1 : self.at].strip()

    def _control_line(self) -> None:
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        span = self._span(end - self.at)
        self.at = end
        if span.start not in self._obeyed:
            self._obeyed[span.start] = self._obey(span)
        if moved := self._obeyed[span.start]:
            line, file = moved
            self.line = line - 1
            if file is not None:
                self.file = file or None  # an empty name is that of the source itself

    def _obey(self, span: Span) -> tuple[int, str | None] | None:
        try:
            return self.control(self.text[span.start : span.end], span)
        except CompileError as error:
            self.errors.append(error)
            return None

    def _span(self, length: int) -> Span:
        return Span(self.at, self.at + length, self.line, self.file)

    def _error(self, tag: str, message: str) -> CompileError:
        return CompileError(tag, message, self._span(1))
