"""The syntax tree inside clauses and declarations, as written: nothing is resolved or typed yet."""

from __future__ import annotations

from dtrace_py.lang.source import Span
from dtrace_py.record import record


@record
class Node:
    """Anything that has a place in the source."""

    span: Span


# Types as written


@record
class Specifier(Node):
    """What a type is made from. Of the qualifiers only ``userland`` has a meaning (D10, D11)."""

    qualifiers: tuple[str, ...]


@record
class Words(Specifier):
    """The name of a type: ``unsigned int``, ``pid_t``, ``mod`foo_t``."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


@record
class Struct(Specifier):
    """``struct tag``, or with its members; the tag is None in ``struct { int x; }``."""

    keyword: str
    """``struct`` or ``union``."""
    tag: str | None
    members: tuple[Members, ...] | None

    def __str__(self) -> str:
        return f"{self.keyword} {self.tag or '(anon)'}"


@record
class Members(Node):
    """One line between the braces of a struct: ``int x, *p, b : 3;``; no declarators for an anonymous struct or union."""

    specifier: Specifier
    declarators: tuple[Declarator, ...]


@record
class Enum(Specifier):
    tag: str | None
    enumerators: tuple[Enumerator, ...] | None

    def __str__(self) -> str:
        return f"enum {self.tag or '(anon)'}"


@record
class Enumerator(Node):
    name: str
    value: Expr | None


@record
class Pointer(Node):
    qualifiers: tuple[str, ...]


@record
class ArrayOf(Node):
    """``[count]``, or ``[]``: a C array."""

    count: Expr | None


@record
class KeyedBy(Node):
    """``[string, int]``: an associative array, or the parameters of an inline."""

    keys: tuple[Parameter, ...]


@record
class FunctionOf(Node):
    """``(int, char *)``: a function."""

    parameters: tuple[Parameter, ...]
    variadic: bool


Layer = Pointer | ArrayOf | KeyedBy | FunctionOf
"""What a declarator makes of a type. ``int *a[3]``, an array of pointers, has the layers Pointer, ArrayOf: in the order
in which they are put around the type of the specifier."""


@record
class Declarator(Node):
    """A declared name, what stands around it, and the width of a bit-field."""

    name: str
    layers: tuple[Layer, ...]
    width: Expr | None = None


@record
class TypeName(Node):
    """A type without a name, in a cast, sizeof and the like."""

    specifier: Specifier
    layers: tuple[Layer, ...]


@record
class Parameter(Node):
    """A parameter of a function, probe or inline, or a key of an associative array; most names mean nothing."""

    type: TypeName
    name: str | None


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


@record
class OffsetOf(Node):
    """``offsetof(type, member)`` (D5)."""

    type: TypeName
    member: str


@record
class Xlate(Node):
    """``xlate <type>(operand)`` (D8)."""

    type: TypeName
    operand: Expr


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
    | OffsetOf
    | Xlate
)


# Statements


@record
class If(Node):
    """``if (condition) yes else no`` (P30)."""

    condition: Expr
    yes: tuple[Statement, ...]
    no: tuple[Statement, ...]


Statement = If | Expr


# At the outer level


@record
class Declaration(Node):
    """``int x, *y;``, ``self string s;``, ``int a[string, int];``, ``typedef struct foo {...} foo_t;``, ``struct foo;``."""

    storage: str | None
    """``self``, ``this``, ``extern`` or ``typedef``."""
    specifier: Specifier
    declarators: tuple[Declarator, ...]


@record
class Inline(Node):
    """``inline int name = value;``; one with parameters has KeyedBy as its last layer (D6)."""

    specifier: Specifier
    declarator: Declarator
    value: Expr


@record
class Translator(Node):
    """``translator output < input name > { member = value; ... };`` (D7)."""

    output: TypeName
    input: TypeName
    name: str
    members: tuple[Translation, ...]


@record
class Translation(Node):
    member: str
    value: Expr


@record
class Provider(Node):
    """``provider name { probe ...; };`` (D9)."""

    name: str
    probes: tuple[Probe, ...]


@record
class Probe(Node):
    """``probe name(arguments) : (translated);`` (D9)."""

    name: str
    arguments: tuple[Parameter, ...]
    translated: tuple[Parameter, ...] | None


Outer = Declaration | Inline | Translator | Provider
