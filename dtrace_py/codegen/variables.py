"""D variables in C: where each lives, how it is read and changed (contract 3.3).

Globals are members of one shared structure, clause-locals of a structure in the frame; dynamic.py has the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen import dynamic
from dtrace_py.codegen.arithmetic import arithmetic
from dtrace_py.codegen.dynamic import is_memory
from dtrace_py.codegen.environment import Environment, identifier
from dtrace_py.codegen.operands import Buffer, Number, storage_type, stored
from dtrace_py.lang import typed
from dtrace_py.lang.program import Variable
from dtrace_py.lang.types import StringType, Type

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions


_SET = 8
"""Bytes behind a string variable that say whether it is NULL (IS_SET in bpf/strings.h)."""

_NEAR = 16384
"""Bytes of variables that BPF's offsets of 16 bits reach, with what lies in front of them."""


class Storage:
    """The variables of one clause function."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.environment = expressions.environment
        self.writer = expressions.writer
        self.strings = expressions.strings

    # Reading

    def number(self, node: typed.Value) -> Number:
        variable = self.environment.variable(node.variable)
        if not variable.dynamic:
            return stored(self.scalar(variable), variable.type)
        element = self.found(node)
        name = self.writer.fresh()
        self.writer.line(f"s64 {name} = {element} ? {element}->value : 0;")
        return Number(name)

    def buffer(self, node: typed.Value) -> Buffer:
        variable = self.environment.variable(node.variable)
        if not variable.dynamic:
            return self._string(self.scalar(variable))
        element, to, size = self.found(node), self.strings.temporary(), self.environment.bound
        with self.writer.aside(deeper=True) as found:
            self.writer.line(f"string_copy({to}, {size}, {element}->value, {size});")
        with self.writer.aside(deeper=True) as absent:
            self.writer.line(f"string_clear({to}, {size});")
        self.writer.branch(element, found, absent)
        return Buffer(to, size, null=f"!{element}")

    def _string(self, text: str) -> Buffer:
        """A string variable that is not dynamic."""
        return Buffer(text, self.environment.bound, changes=True, null=f"!IS_SET({text})")

    def scalar(self, variable: Variable) -> str:
        """C text of a variable that is always there."""
        self.environment.variable(variable)
        if self.environment.bytes > _NEAR:
            # What is far has an address of its own, which clang would keep on BPF's small stack for the next use.
            self.writer.line("HIDE(f->frame);" if variable.scope == "this" else "HIDE(globals);")
        if variable.scope == "this":
            self.environment.needs.add("this")
            return f"f->frame->temporaries.this_.{identifier(variable.name)}"
        self.expressions.needs.add("globals")
        return f"globals->{identifier(variable.name)}"

    # Dynamic variables

    def key(self, node: typed.Value) -> str:
        """Fill in the key of an element; returns C text of its address."""
        return self._filled(node.variable, self.expressions.keys(node.keys))

    def _filled(self, variable: Variable, parts: list[Number | Buffer]) -> str:
        name, stem = self.writer.fresh("key"), dynamic.pool(self.environment, variable).name
        self.writer.line(f"struct {stem}_key *{name} = &f->frame->temporaries.key.{stem};")
        if variable.scope == "self":
            self.expressions.needs.add("thread")
            # Or clang keeps the owner of each variable on BPF's small stack for the next use.
            self.writer.line("HIDE(thread);")
        self.writer.line(f"{name}->owner = {dynamic.owner(variable)}{' | thread' if variable.scope == 'self' else ''};")
        for position, part in enumerate(parts):
            member = f"{name}->key{position}"
            if isinstance(part, Buffer):
                self.strings.copy(member, self.environment.bound, part)
            else:
                self.writer.line(f"{member} = {part.text};")
        return name

    def found(self, node: typed.Value, key: str = "") -> str:
        """C text of the element of a dynamic variable, or a null pointer."""
        stem = dynamic.pool(self.environment, node.variable).name
        key = key or self.key(node)
        element = self.writer.fresh("found")
        self.writer.line(f"struct {stem}_value *{element} = {stem}.lookup({key});")
        return element

    # Changing

    def change(self, node: typed.Assign | typed.Update, wanted: bool = False) -> Number:
        """Generate an assignment or a step; with ``wanted``, returns the value of the expression."""
        if isinstance(node.type, StringType):
            assert isinstance(node, typed.Assign)
            self.change_string(node)
            return Number("0")
        variable = self.environment.variable(node.target.variable)
        result = self._change_dynamic(node) if variable.dynamic else self._change_scalar(node, wanted)
        self.expressions.effects += 1
        return result

    def _change_scalar(self, node: typed.Assign | typed.Update, wanted: bool) -> Number:
        variable = node.target.variable
        text = self.scalar(variable)
        if isinstance(node, typed.Assign):
            value = self.expressions.number(node.value)
            self.writer.line(f"{text} = {value.text};")
            return self.expressions.save(stored(text, variable.type)) if wanted else value
        before, value = self.expressions.pair(node.target, node.value)
        old = self.expressions.save(before) if wanted and node.postfix else None
        after = arithmetic(self.expressions, node.op, before, value, variable.type)
        self.writer.line(f"{text} = {after.text};")
        if not wanted:
            return before
        return old or self.expressions.save(stored(text, variable.type))

    def _change_dynamic(self, node: typed.Assign | typed.Update) -> Number:
        kind = node.target.type
        if isinstance(node, typed.Assign):
            value = self.expressions.save(self.expressions.number(node.value))
            self._store(node.target.variable, self.key(node.target), value, kind)
            return value
        effects = self.expressions.effects
        with self.writer.aside() as valued:
            value = self.expressions.save(self.expressions.number(node.value))
        with self.writer.aside() as keyed:
            parts = self.expressions.keys(node.target.keys)
        # Left before right, if that makes a difference. Else the value first: it may use the key's memory itself.
        ordered = self.expressions.effects != effects
        self.writer.lines += keyed if ordered else [*valued, *keyed]
        if ordered:
            parts = [self.strings.copied(part) if isinstance(part, Buffer) and part.changes else part for part in parts]
        key = self._filled(node.target.variable, parts)
        element = self.found(node.target, key)
        old = self.writer.fresh()
        self.writer.line(f"s64 {old} = {element} ? {element}->value : 0;")
        if ordered:
            self.writer.lines += valued
            key = self._filled(node.target.variable, parts)
        before = Number(old)
        after = arithmetic(self.expressions, node.op, before, value, kind)
        new = self.writer.fresh()
        self.writer.line(f"{storage_type(kind)} {new} = {after.text};")
        self._store(node.target.variable, key, Number(new), kind)
        return before if node.postfix else stored(new, kind)

    def _store(self, variable: Variable, key: str, value: Number, kind: Type) -> None:
        if value.constant == 0:
            self.free(variable, key)
        else:
            ctype = storage_type(kind)
            self.store(variable, key, value.text if ctype in ("s64", "u64") else f"({ctype}){value}")

    def store(self, variable: Variable, key: str, value: str) -> None:
        """Store a number, or what is at an address, in an element."""
        stem = dynamic.pool(self.environment, variable).name
        self.writer.line(f"{stem}_store(f, {key}, {value});")
        if variable.scope == "self" and variable.keys:
            self.writer.line("thread_mark(thread);")

    def free(self, variable: Variable, key: str) -> None:
        """Let an element go."""
        self.writer.line(f"{dynamic.pool(self.environment, variable).name}_free(f->control, {key});")

    def change_string(self, node: typed.Assign) -> Buffer:
        """Generate the assignment of a string; returns the stored value."""
        variable = self.environment.variable(node.target.variable)
        value, size = self.strings.buffer(node.value), self.environment.bound
        self.expressions.effects += 1
        if not variable.dynamic:
            to = self.scalar(variable)
            null = self.strings.kept(value).null  # it may be this very variable's
            self.strings.copy(to, size, value)
            self.writer.line(f"IS_SET({to}) = {f'!({null})' if null else '1'};")
            return self._string(to)
        if value.null == "1":  # S3, S10: only a stored NULL frees
            self.free(variable, self.key(node.target))
            return value
        copy = self.strings.temporary()
        self.strings.copy(copy, size, value)
        null = self.strings.kept(value).null
        key = self.key(node.target)
        with self.writer.aside(deeper=bool(null)) as store:
            self.store(variable, key, copy)
        if null:
            with self.writer.aside(deeper=True) as free:
                self.free(variable, key)
            self.writer.branch(null, free, store)
        else:
            self.writer.lines += store
        return Buffer(copy, size, null=null)


# Declarations


def structures(environment: Environment) -> list[str]:
    """The C structures of the variables."""
    lines: list[str] = []
    for scope, name in (("global", "globals"), ("this", "clause_locals")):
        scalars = [v for v in environment.variables.values() if not v.dynamic and v.scope == scope]
        if scalars:
            members = [f"    {_member(environment, v.type, identifier(v.name))}" for v in scalars]
            lines += [f"struct {name} {{", *members, "} __attribute__((aligned(8)));", ""]
    return lines + dynamic.structures(environment)


def maps(environment: Environment) -> list[str]:
    """The maps that hold the variables."""
    lines = []
    if any(not v.dynamic and v.scope == "global" for v in environment.variables.values()):
        lines.append('COMMON_TABLE("array", u32, struct globals, globals_map, 1, BPF_F_MMAPABLE);')
    return lines + dynamic.maps(environment) + dynamic.functions(environment)


def _member(environment: Environment, kind: Type, name: str) -> str:
    if isinstance(kind, StringType):
        return f"char {name}[{environment.bound + _SET}] __attribute__((aligned(8)));"
    if is_memory(kind):
        return f"char {name}[{environment.room(kind)}] __attribute__((aligned(8)));"
    return f"{storage_type(kind)} {name};"
