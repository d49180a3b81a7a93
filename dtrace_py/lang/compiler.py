"""The front end's one entry: sources in command-line order become one typed program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dtrace_py.lang import ast, typed
from dtrace_py.lang.check_expressions import ExpressionChecker
from dtrace_py.lang.check_statements import StatementChecker
from dtrace_py.lang.errors import CompileError
from dtrace_py.lang.macros import Macros
from dtrace_py.lang.parser import parse
from dtrace_py.lang.pragmas import Pragmas, SetOption
from dtrace_py.lang.scope import Scope
from dtrace_py.lang.source import Source
from dtrace_py.lang.tables.actions import DEFAULT_FRAMES
from dtrace_py.lang.tables.stability import STABLE
from dtrace_py.lang.types import StringType, TypeSource, VoidType, is_scalar

_RECURSION = 20_000
"""Python frames that the passes may use; pure Python calls take no C stack, and the parser bounds the nesting."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What options say to the compiler, asked for when it matters because pragmas change them on the way."""

    number: Callable[[str], int]
    """The value of a numeric option such as strsize or stackframes."""
    flag: Callable[[str], bool]
    set: SetOption


class Compiler:
    """Compiles one source after another into ``program``; names carry over from source to source."""

    def __init__(self, types: TypeSource, settings: Settings) -> None:
        self.scope = Scope(types)
        self.settings = settings
        self.program = typed.Program()

    def compile(self, source: Source, macros: Macros) -> list[typed.Clause]:
        """The clauses of a source, which also join the program. Raises CompileError: the first error of the source."""
        with _deep_recursion():
            tree = parse(source, macros, Pragmas(self.settings.set), self.scope.is_type)
            macros.defaults |= self.settings.flag("defaultargs")
            if not tree.items and not self.settings.flag("empty"):
                raise CompileError("D_EMPTY", "empty D program translation unit")
            first = len(self.program.clauses)
            for item in tree.items:
                if isinstance(item, ast.Declaration):
                    self._declare(item)
                else:
                    self.program.clauses.append(self._clause(item, source))
            if not self.settings.flag("argref"):
                macros.check_used()
        self.program.aggregations = list(self.scope.aggregations.values())
        self.program.builtins = self.scope.builtins
        self.program.strsize = self.settings.number("strsize")
        return self.program.clauses[first:]

    def _declare(self, node: ast.Declaration) -> None:
        scope = node.scope or "global"
        kind = self.scope.resolve(node.type)
        if isinstance(kind, VoidType):
            raise CompileError("D_DECL_VOIDOBJ", f"cannot declare void object: {node.name}", node.span)
        if not (is_scalar(kind) or isinstance(kind, StringType)):
            raise CompileError("D_UNKNOWN", f"a variable of type {kind} is not implemented (yet)", node.span)
        keys = None if node.keys is None else tuple(map(self.scope.resolve, node.keys))
        if keys is not None and scope == "this":
            raise CompileError("D_DECL_LOCASSC", f"this->{node.name} may not be declared as an array", node.span)
        if keys is not None and any(isinstance(key, VoidType) for key in keys):
            raise CompileError("D_DECL_PROTO_TYPE", "void is not a valid key type", node.span)
        known = self.scope.variable(scope, node.name)
        if known and (known.type, known.keys) != (kind, keys):
            raise CompileError("D_DECL_IDRED", f"identifier redeclared: {node.name}", node.span)
        if scope == "global" and not self.scope.may_declare(node.name):
            raise CompileError("D_DECL_IDRED", f"identifier redeclared: {node.name}", node.span)
        self.scope.define(typed.Variable(scope, node.name, kind, keys))

    def _clause(self, node: ast.Clause, source: Source) -> typed.Clause:
        expressions = ExpressionChecker(self.scope, self.settings.number("strsize"))
        statements = StatementChecker(expressions, self.settings.number(DEFAULT_FRAMES))
        expressions.stability = STABLE
        body: list[typed.Statement] = []
        predicate: typed.Expr | None = None

        def check_body() -> None:
            with _region("action list"):
                body[:] = [made for each in node.body or () for made in statements.statement(each)]

        def check_predicate() -> None:
            nonlocal predicate
            with _region("predicate"):
                predicate = _predicate(expressions, node.predicate) if node.predicate else None

        # P23: the actions first, so that the predicate may use what they define; if a name of theirs is unknown, the
        # other way round.
        try:
            check_body()
        except CompileError as error:
            if error.tag != "D_IDENT_UNDEF" or node.predicate is None:
                raise
            check_predicate()
            check_body()
        else:
            check_predicate()
        number = len(self.program.clauses) + 1
        descriptions = tuple(description.text for description in node.descriptions)
        return typed.Clause(number, descriptions, predicate, tuple(body), node.span, source, expressions.stability)


def _predicate(expressions: ExpressionChecker, node: ast.Expr) -> typed.Expr:
    value = expressions.value(node)
    if not is_scalar(value.type):
        raise CompileError("D_PRED_SCALAR", "predicate result must be of scalar type", node.span)
    return value


@contextmanager
def _region(name: str) -> Iterator[None]:
    """Errors inside carry the part of the clause they are in (N2)."""
    try:
        yield
    except CompileError as error:
        error.region = error.region or name
        raise


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    except RecursionError:
        raise CompileError("D_SYNTAX", "expression is nested too deeply") from None
    finally:
        sys.setrecursionlimit(before)
