"""The front end's one entry: sources in command-line order become one typed program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from dtrace_py.lang.errors import CompileError, CompileErrors, Consequence
from dtrace_py.lang.grammar import tree
from dtrace_py.lang.grammar.macros import Macros
from dtrace_py.lang.grammar.parser import parse
from dtrace_py.lang.grammar.pragmas import Attributes, Binding, Depends, Pragmas, SetOption, not_of_this_program
from dtrace_py.lang.program import Clause, Program
from dtrace_py.lang.recursion import deep_recursion
from dtrace_py.lang.source import Field, Source, Span
from dtrace_py.lang.tables.stability import Stability
from dtrace_py.lang.tables.versions import VERSION, encoded

if TYPE_CHECKING:
    from dtrace_py.lang.arguments import ArgumentsOf
    from dtrace_py.lang.facts import ProcessSymbols, TypeSource
    from dtrace_py.lang.grammar.ast import Outer
    from dtrace_py.lang.libraries import Libraries
    from dtrace_py.lang.limits import Limits
    from dtrace_py.lang.scope import Scope


class Settings(NamedTuple):
    """What options say to the compiler, asked for when it matters because pragmas change them on the way."""

    number: Callable[[str], int]
    """The value of a numeric option such as strsize or stackframes."""
    flag: Callable[[str], bool]
    set: SetOption
    depends: Depends = lambda kind, name: False
    version: Callable[[], int] = lambda: encoded(VERSION)
    """Of the language, as versions.py encodes it."""
    least: Callable[[], Stability | None] = lambda: None
    """The stability that every name must have."""
    process: ProcessSymbols | None = None
    """The symbols of the process that -c or -p named."""
    runs: bool = True
    """Whether programs are to run, or only to be looked at."""
    parsed: Callable[[tree.Program], object] = lambda _: None
    """Sees the syntax tree of each source."""


Match = Callable[[tuple[str, ...], tuple[Span, ...], Field], Sequence[Sequence[Any]]]
"""The probes that descriptions match, given their texts, their places and their context field: description by description.
Raises CompileError for one that makes no sense, or matches nothing where it must (P24)."""


class Compiler:
    """Compiles one source after another into ``program``; names carry over from source to source.

    Much of what is listed or traced is a bare probe description, which is why the modules that know types, names and
    expressions are imported when the first of these turns up.
    """

    def __init__(
        self,
        types: Callable[[], TypeSource],
        settings: Settings,
        match: Match,
        arguments: ArgumentsOf = lambda probe: (),
        libraries: Callable[[], Libraries] | None = None,
    ) -> None:
        self.types = types
        self.settings = settings
        self.match = match
        self.arguments = arguments
        self.program = Program()
        self._libraries = libraries

    @cached_property
    def libraries(self) -> Libraries:
        """The D libraries."""
        from dtrace_py.lang.libraries import Libraries

        return self._libraries() if self._libraries else Libraries()

    @cached_property
    def scope(self) -> Scope:
        from dtrace_py.lang.scope import Scope

        scope = Scope(self.types, self.program, self._from_library, lambda: self.settings.number("strsize"))
        scope.process, scope.runs = self.settings.process, self.settings.runs
        self.program.types = scope.source
        return scope

    def load(self) -> None:
        """Compile the libraries of the directories that were given (M38); our own is read as its names turn up."""
        for source in self.libraries.files(self.settings.depends):
            self._library(source)

    def _enter(self, source: Source) -> None:
        """Ready the scope for a part of this text, as options have it now."""
        self.scope.text = source
        self.scope.use_version(self.settings.version())
        self.scope.least = self.settings.least()
        self.scope.undefined = [whose for whose in ("kernel", "user") if self.settings.flag(f"{whose[0]}defs")]

    def _from_library(self, name: str) -> bool:
        """Declare what our own library knows of a name; whether it knew something that had not been declared."""
        found = self.libraries.take(name)
        for source in found:
            self._library(source)
        return bool(found)

    def _library(self, source: Source) -> None:
        """Declare what a library holds. Its clauses, if there are any, trace nothing."""
        outer = self.scope.text
        try:
            with deep_recursion():
                pragmas = Pragmas(self.settings.set)
                parsed = parse(source, Macros({}), pragmas, lambda name: self.scope.is_type(name))
                if parsed.errors:
                    raise parsed.errors[0]
                for item in parsed.items:
                    if not isinstance(item, tree.Clause):
                        self._declare(item, source)
                        self._bind(item, pragmas.bindings)
        except CompileError as error:
            error.source = error.source or source
            raise CompileErrors([error]) from error
        finally:
            self.scope.text = outer

    def compile(self, source: Source, macros: Macros) -> list[Clause]:
        """The clauses of a source, which also join the program. Raises CompileError or CompileErrors."""
        with deep_recursion():
            pragmas = Pragmas(self.settings.set, self.settings.depends, _outside)
            is_type, describes = lambda name: self.scope.is_type(name), lambda: self.settings.flag("pspec")
            parsed = parse(source, macros, pragmas, is_type, describes)
            if parsed.errors:
                raise CompileErrors(self._errors(parsed, source, pragmas.bindings))
            self.settings.parsed(parsed)
            self.program.attributes.update(
                (said.name, said.stability) for said in pragmas.attributes if not said.component
            )
            first = len(self.program.clauses)
            errors = list(self._items(parsed, source, pragmas.bindings))
            if not errors:
                if _declares_only(parsed) and not self.settings.flag("empty"):
                    raise CompileError("D_EMPTY", "empty D program translation unit")
                seen = [said for said in pragmas.bindings if said.version <= self.settings.version()]
                self._described([*pragmas.attributes, *seen], parsed)
                if not self.settings.flag("argref"):
                    macros.check_used()
        if errors:
            raise CompileErrors([error for error in errors if not isinstance(error, Consequence)] or errors)
        self.program.strsize = self.settings.number("strsize")
        return self.program.clauses[first:]

    def _items(self, parsed: tree.Program, source: Source, bindings: Sequence[Binding]) -> Iterator[CompileError]:
        """Check clause after clause and declaration after declaration; yields what is wrong with any of them."""
        self._foresee([item for item in parsed.items if not isinstance(item, tree.Clause)])
        for item in parsed.items:
            try:
                if isinstance(item, tree.Clause):
                    self.program.clauses.append(self._clause(item, source))
                else:
                    self._declare(item, source)
                    self._note_provider(item, source)
                self._bind(item, bindings)
            except CompileErrors as several:
                yield from several.errors
            except CompileError as error:
                if not isinstance(item, tree.Clause):
                    self._spoil(item)
                yield error

    def _foresee(self, items: Sequence[Outer]) -> None:
        """Before anything is declared: what the library calls by a name is there first (M38), and a structure that the program
        defines is meant where it is named before that too, whatever the kernel calls so."""
        if not items:
            return
        from dtrace_py.lang.grammar import ast

        for item in items:
            if not isinstance(item, ast.Declaration):
                continue
            if item.storage == "typedef":
                for each in item.declarators:
                    self._from_library(each.name)
            if isinstance(kind := item.specifier, ast.Struct) and kind.tag and kind.members is not None:
                name = f"{kind.keyword} {kind.tag}"
                self._from_library(name)
                self.scope.source.declare(name)

    def _note_provider(self, item: Outer, source: Source) -> None:
        from dtrace_py.lang.grammar import ast

        if isinstance(item, ast.Provider):
            self.program.providers.append((source, self.scope.providers[item.name]))

    def _spoil(self, item: Outer) -> None:
        """Note the names that a wrong declaration would have made: that they are missing is no error of its own."""
        from dtrace_py.lang.grammar import ast

        match item:
            case ast.Declaration(storage=storage, declarators=declarators):
                place = storage if storage in ("self", "this") else "global"
                self.scope.spoiled.update((place, each.name) for each in declarators)
            case ast.Inline(declarator=declarator):
                self.scope.spoiled.add(("global", declarator.name))

    def _bind(self, item: Outer | tree.Clause, bindings: Sequence[Binding]) -> None:
        """Forget what pragmas say came with a later version of D than is asked for (L23)."""
        if not bindings:
            return
        from dtrace_py.lang.grammar import ast

        version = self.settings.version()
        for said in bindings:
            if said.version > version:
                self.scope.hide(said.name)
                if said.name == "translator" and isinstance(item, ast.Translator) and said.span.start < item.span.start:
                    self.scope.translators.popitem()
                    return

    def _errors(self, parsed: tree.Program, source: Source, bindings: Sequence[Binding]) -> list[CompileError]:
        """What is wrong with syntax and declarations, in order of place, and then with those clauses that could be read."""
        from dtrace_py.lang.recovery import Unread

        errors = self._items(parsed, source, bindings)
        return Unread(source.text, parsed).sorted(errors, parsed.errors)

    def _described(self, pragmas: Sequence[Attributes | Binding], parsed: tree.Program) -> None:
        """Refuse what a pragma says of an identifier that the program does not have (L22)."""
        if not pragmas:
            return
        from dtrace_py.lang.grammar import ast

        names = {"translator"} | {name for scope, name in self.scope.variables if scope == "global"}
        for item in parsed.items:
            if isinstance(item, ast.Inline | ast.Provider):
                names.add(item.declarator.name if isinstance(item, ast.Inline) else item.name)
        for said in pragmas:
            if said.name not in names and self.scope.inline(said.name):
                raise not_of_this_program(said.name, said.span)
            if said.name not in names:
                text = f"#pragma has no effect: there is no {said.name} in this program"
                raise CompileError("D_PRAGMA_UNUSED", text, said.span)

    def _declare(self, node: Outer, source: Source) -> None:
        from dtrace_py.lang.check.declaration import declare

        self._enter(source)
        declare(node, self.scope)

    def _clause(self, node: tree.Clause, source: Source) -> Clause:
        number = len(self.program.clauses) + 1
        descriptions = tuple(description.text for description in node.descriptions)
        places = tuple(description.span for description in node.descriptions)
        probes = self.match(descriptions, places, source.context)  # before anything else is checked
        if node.predicate is None and not node.body:
            return Clause(number, descriptions, None, (), node.span, source, places=places)
        from dtrace_py.lang.arguments import ways
        from dtrace_py.lang.check.clause import check_clause

        self._enter(source)
        found = ways(descriptions, source.context, probes, self.arguments)
        first, *others = (
            Clause(
                *(number, descriptions, form.predicate, form.statements, node.span, source, form.stability, places),
                form=count,
                probes=tuple(form.probes),
                asks=form.asks,
            )
            for count, form in enumerate(check_clause(node, self.scope, self._limits(), found))
        )
        return first._replace(others=tuple(others))

    def _limits(self) -> Limits:
        from dtrace_py.lang.limits import SIZES, Limits

        return Limits(*map(self.settings.number, SIZES))._replace(targeted=self.settings.process is not None)


def _outside(name: str) -> bool:
    """Whether a name is one of D's own."""
    from dtrace_py.lang.tables.own import OWN

    return name in OWN


def _declares_only(parsed: tree.Program) -> bool:
    """Whether a source holds nothing, or nothing but types and variables (D_EMPTY)."""
    if any(isinstance(item, tree.Clause) for item in parsed.items):
        return False
    from dtrace_py.lang.grammar import ast

    return all(isinstance(item, ast.Declaration) for item in parsed.items)
