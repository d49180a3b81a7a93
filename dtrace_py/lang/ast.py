"""The syntax tree inside clauses and declarations, as written: nothing is resolved or typed yet."""

from __future__ import annotations

from dtrace_py.lang.source import Span
from dtrace_py.record import record


@record
class Node:
    """Anything that has a place in the source."""

    span: Span


@record
class TypeName(Node):
    """A type as written in a cast, sizeof or declaration: specifier words (``unsigned int``, ``struct foo``) and stars."""

    words: tuple[str, ...]
    stars: int = 0

    def __str__(self) -> str:
        return " ".join(self.words) + (" " + "*" * self.stars if self.stars else "")


# Expressions


@record
class Int(Node):
    """An integer constant, its text as written: ``0x1fUL``."""

    text: str


@record
class Char(Node):
    """A character constant of one to eight characters, unescaped."""

    value: str


@record
class String(Node):
    """A string constant, unescaped."""

    value: str


@record
class Name(Node):
    """A variable, built-in, function or kernel symbol (which has a backquote in it)."""

    name: str


@record
class Scoped(Node):
    """``self->name`` or ``this->name``."""

    scope: str
    name: str


@record
class Aggregation(Node):
    """``@name``, or ``@name[keys]`` (keys is None without brackets)."""

    name: str
    keys: tuple[Expr, ...] | None


@record
class Call(Node):
    function: Name
    arguments: tuple[Expr, ...]


@record
class Index(Node):
    """``base[keys]``: an array element or an associative array's."""

    base: Expr
    keys: tuple[Expr, ...]


@record
class Member(Node):
    """``base->name`` (arrow) or ``base.name``."""

    base: Expr
    name: str
    arrow: bool


@record
class Unary(Node):
    """One of ``! ~ + - * &``, ``sizeof``, ``stringof``."""

    op: str
    operand: Expr


@record
class Step(Node):
    """``++x``, ``x++``, ``--x`` or ``x--``."""

    operand: Expr
    delta: int
    postfix: bool


@record
class Binary(Node):
    """An operator of O3 to O13."""

    op: str
    left: Expr
    right: Expr


@record
class Assign(Node):
    """``target = value``, or with ``op`` set, ``target op= value``."""

    op: str | None
    target: Expr
    value: Expr


@record
class Conditional(Node):
    condition: Expr
    yes: Expr
    no: Expr


@record
class Comma(Node):
    left: Expr
    right: Expr


@record
class Cast(Node):
    type: TypeName
    operand: Expr


@record
class SizeOfType(Node):
    type: TypeName


Expr = (
    Int
    | Char
    | String
    | Name
    | Scoped
    | Aggregation
    | Call
    | Index
    | Member
    | Unary
    | Step
    | Binary
    | Assign
    | Conditional
    | Comma
    | Cast
    | SizeOfType
)


@record
class Declaration(Node):
    """``int x;``, ``self string s;``, ``int a[string, int];`` (keys is None for a scalar)."""

    scope: str | None
    type: TypeName
    name: str
    keys: tuple[TypeName, ...] | None
