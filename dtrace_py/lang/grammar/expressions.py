"""Expressions: precedence climbing over the operators of contract section 4."""

from __future__ import annotations

from dtrace_py.lang.constants import integer
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.grammar import ast
from dtrace_py.lang.grammar.declarators import DeclaratorParser
from dtrace_py.lang.grammar.lexer import Kind, Token

_BINARY = {
    op: level
    for level, ops in enumerate(
        ("||", "^^", "&&", "|", "^", "&", "== !=", "< <= > >=", "<< >>", "+ -", "* / %"), start=1
    )
    for op in ops.split()
}
"""The binary operators and how tightly they bind (O3 to O13)."""

_ASSIGN = frozenset("= += -= *= /= %= &= ^= |= <<= >>=".split())
_PREFIX = frozenset("! ~ + - * &".split())


class ExpressionParser(DeclaratorParser):
    """The part of the parser that reads expressions."""

    unary: ast.Expr | None = None
    """The last operand read: the only thing that may stand left of an assignment operator."""

    # From loosest to tightest

    def expression(self) -> ast.Expr:
        """An expression with commas (O16)."""
        left = self.assignment()
        while self.token.is_(","):
            self.advance()
            right = self.assignment()
            left = ast.Comma(left.span.to(right.span), left, right)
        return left

    def assignment(self) -> ast.Expr:
        """O15, right-associative."""
        self.descend()
        target = self._conditional()
        if self.token.kind is Kind.PUNCTUATION and self.token.text in _ASSIGN:
            if target is not self.unary or isinstance(target, ast.Cast):
                raise self.syntax_error()
            op = self.token.text[:-1] or None
            self.advance()
            value = self.assignment()
            self._assigned(target)
            target = ast.Assign(target.span.to(value.span), op, target, value)
        self.depth -= 1
        return target

    def _assigned(self, target: ast.Expr) -> None:
        """A global variable that is assigned to hides a type of its name."""
        if isinstance(target, ast.Index):
            target = target.base
        if isinstance(target, ast.Name):
            self.names.values([target.name])

    def constant(self) -> ast.Expr:
        """What may stand where a constant is wanted: anything but assignments and commas."""
        return self._conditional()

    def _conditional(self) -> ast.Expr:
        """O14, right-associative."""
        condition = self._binary(1)
        if not self.token.is_("?"):
            return condition
        self.advance()
        self.descend()
        yes = self.expression()
        self.expect(":")
        no = self._conditional()
        self.depth -= 1
        return ast.Conditional(condition.span.to(no.span), condition, yes, no)

    def _binary(self, level: int) -> ast.Expr:
        left = self._unary()
        while self.token.kind is Kind.PUNCTUATION and (found := _BINARY.get(self.token.text, 0)) >= level:
            op = self.token.text
            self.advance()
            right = self._binary(found + 1)
            left = ast.Binary(left.span.to(right.span), op, left, right)
        return left

    def _unary(self) -> ast.Expr:
        """O2, right-associative."""
        start = self.token
        self.descend()
        self.unary = self._prefixed(start)
        self.depth -= 1
        return self.unary

    def _prefixed(self, start: Token) -> ast.Expr:
        if start.is_("++", "--"):
            self.advance()
            operand = self._unary()
            return ast.Step(start.span.to(operand.span), operand, 1 if start.text == "++" else -1, postfix=False)
        if start.kind is Kind.PUNCTUATION and start.text in _PREFIX:
            self.advance()
            operand = self._unary()
            return ast.Unary(start.span.to(operand.span), start.text, operand)
        if start.is_("sizeof", "stringof"):
            return self._word_operator(start)
        if start.is_("("):
            self.advance()
            return self._after_parenthesis(start)
        return self._postfix(self._primary())

    def _word_operator(self, start: Token) -> ast.Expr:
        self.advance()
        if start.text == "sizeof" and self.token.is_("("):
            paren = self.token
            self.advance()
            if self.at_type_in_parentheses(cast=False):
                type_name = self.type_name()
                self.expect(")")
                return ast.SizeOfType(start.span.to(self.last), type_name)
            operand = self._postfix(self._parenthesised(paren))
        else:
            operand = self._unary()
        return ast.Unary(start.span.to(operand.span), start.text, operand)

    def _after_parenthesis(self, start: Token) -> ast.Expr:
        """A cast, or an expression in parentheses."""
        if not self.at_type_in_parentheses(cast=True):
            return self._postfix(self._parenthesised(start), plain=False)
        type_name = self.type_name()
        self.expect(")")
        operand = self._unary()
        return ast.Cast(start.span.to(operand.span), type_name, operand)

    def _parenthesised(self, start: Token) -> ast.Expr:
        inner = self.expression()
        self.expect(")")
        return inner

    def _postfix(self, node: ast.Expr, plain: bool = True) -> ast.Expr:
        """O1; only a plain name may be called, one in parentheses not."""
        while True:
            if self.token.is_("++", "--"):
                delta = 1 if self.token.text == "++" else -1
                self.advance()
                node = ast.Step(node.span.to(self.last), node, delta, postfix=True)
            elif self.token.is_("["):
                node = self._indexed(node)
            elif self.token.is_("("):
                self.advance()
                if not (plain and isinstance(node, ast.Name)):
                    raise CompileError("D_FUNC_IDENT", "function designator is not of function type", node.span)
                arguments = self._list(")")
                node = ast.Call(node.span.to(self.last), node, arguments)
            elif self.token.is_("->", "."):
                arrow = self.token.text == "->"
                self.advance()
                name = self.member_name()
                node = ast.Member(node.span.to(self.last), node, name, arrow)
            else:
                return node

    def _indexed(self, node: ast.Expr) -> ast.Expr:
        self.advance()
        keys = self._list("]")
        span = node.span.to(self.last)
        if not keys:
            raise CompileError("D_SYNTAX", 'syntax error near "]"', self.last)
        if isinstance(node, ast.Aggregation) and node.keys is None:
            return ast.Aggregation(span, node.name, keys)
        if isinstance(node, ast.Aggregation):
            raise CompileError(
                "D_AGG_MDIM", "improper attempt to reference @" + node.name + " as a multi-dimensional array", span
            )
        return ast.Index(span, node, keys)

    def _list(self, end: str) -> tuple[ast.Expr, ...]:
        """Expressions separated by commas, and the closing bracket."""
        items: list[ast.Expr] = []
        while not self.token.is_(end):
            items.append(self.assignment())
            if not self.token.is_(",", end):
                raise self.syntax_error()
            if self.token.is_(","):
                self.advance()
                if self.token.is_(end):
                    raise self.syntax_error()
        self.advance()
        return tuple(items)

    def member_name(self) -> str:
        """The name of a member; any word may be one, such as the kernel's ``counter`` (L14)."""
        if self.token.kind not in (Kind.IDENT, Kind.KEYWORD):
            raise self.syntax_error()
        name = self.token.value
        self.advance()
        return name

    def _primary(self) -> ast.Expr:
        token = self.token
        if token.is_("self", "this"):
            return self._scoped(token)
        if token.is_("offsetof"):
            return self._offset_of(token)
        if token.is_("xlate"):
            return self._xlate(token)
        self.advance()
        match token.kind:
            case Kind.INT:
                integer(token.value, token.span)  # what is wrong with it is a syntax error, wherever it stands
                return ast.Int(token.span, token.value)
            case Kind.CHAR:
                return ast.Char(token.span, token.value)
            case Kind.STRING:
                return ast.String(token.span, token.value)
            case Kind.AGGREGATION:
                return ast.Aggregation(token.span, token.value, None)
            case Kind.IDENT:
                return ast.Name(token.span, token.value)
        self.token = token
        raise self.syntax_error()

    def _offset_of(self, token: Token) -> ast.Expr:
        """D5."""
        self.advance()
        self.expect("(")
        kind = self.type_name()
        self.expect(",")
        member = self.member_name()
        self.expect(")")
        return ast.OffsetOf(token.span.to(self.last), kind, member)

    def _xlate(self, token: Token) -> ast.Expr:
        """D8."""
        self.advance()
        self.expect("<")
        kind = self.type_name()
        self.expect(">")
        self.expect("(")
        operand = self.expression()
        self.expect(")")
        return ast.Xlate(token.span.to(self.last), kind, operand)

    def _scoped(self, token: Token) -> ast.Expr:
        self.advance()
        self.expect("->")
        name = self.member_name()
        return ast.Scoped(token.span.to(self.last), token.text, name)
