"""Dynamic variables in C: thread-local variables and associative arrays (contract V2, V4 to V6).

Variables whose keys and values are alike share a hash map, a pool, because the kernel lets a program use 64 maps. A key begins
with its owner: the variable's number, and the thread if it is a thread-local one. An element exists from its first non-zero
store to a store of 0 (V5), or to the end of its thread.
"""

from __future__ import annotations

from dtrace_py.codegen.environment import Environment, identifier
from dtrace_py.lang.program import Variable
from dtrace_py.lang.types import ArrayType, FloatType, StringType, StructType, Type
from dtrace_py.record import record

_NUMBER_SHIFT = 48
"""Bits of an owner below the variable's number: the thread's (bpf/thread.h)."""


def is_memory(kind: Type) -> bool:
    """Whether values of a type are neither numbers nor strings, but so many bytes."""
    return isinstance(kind, StructType | ArrayType | FloatType)


@record
class Pool:
    """What variables of one map have in common: the sizes of their keys and of their value in bytes; 0 is a number's."""

    keys: tuple[int, ...]
    value: int
    text: int
    """Bytes of a string."""

    @property
    def name(self) -> str:
        """Of the map; its key's and value's structures begin with it too."""
        by = "".join(f"_{self._called(size)}" for size in self.keys)
        return f"dynamic_{self._called(self.value)}{f'_by{by}' if by else ''}"

    def _called(self, size: int) -> str:
        return "int" if not size else "text" if size == self.text else f"bytes{size}"

    @property
    def size(self) -> int:
        """What an element takes."""
        return 8 + sum(size or 8 for size in (self.value, *self.keys))


def pool(environment: Environment, variable: Variable) -> Pool:
    """The pool of a variable, which is thereby used."""
    environment.variable(variable)
    keys = tuple(environment.bound if isinstance(key, StringType) else 0 for key in variable.keys or ())
    if isinstance(variable.type, StringType):
        return Pool(keys, environment.bound, environment.bound)
    return Pool(keys, environment.room(variable.type) if is_memory(variable.type) else 0, environment.bound)


def owner(variable: Variable) -> str:
    """The C name of a variable's number."""
    return f"{variable.scope.upper()}_{identifier(variable.name)}"


def variables(environment: Environment) -> list[Variable]:
    """Those that are used."""
    return [variable for variable in environment.variables.values() if variable.dynamic]


def pools(environment: Environment) -> list[Pool]:
    """Those that are used."""
    return list(dict.fromkeys(pool(environment, variable) for variable in variables(environment)))


def structures(environment: Environment) -> list[str]:
    """The variables' numbers, and the structures of the maps."""
    lines = [
        f"#define {owner(variable)} ({number}ULL << {_NUMBER_SHIFT}) /* {variable} */"
        for number, variable in enumerate(variables(environment), start=1)
    ]
    for each in pools(environment):
        lines += ["", f"struct {each.name}_key {{", "    u64 owner;"]
        lines += [
            f"    char key{place}[{size}];" if size else f"    s64 key{place};" for place, size in enumerate(each.keys)
        ]
        value = f"char value[{each.value}] __attribute__((aligned(8)))" if each.value else "s64 value"
        lines += ["};", f"struct {each.name}_value {{", f"    {value};", "};"]
    return [*lines, ""] if lines else []


def maps(environment: Environment) -> list[str]:
    """The maps. All of them together have dynvarsize bytes: where there are several, each could have all of it."""
    return [
        f'COMMON_TABLE("hash", struct {each.name}_key, struct {each.name}_value, {each.name}, '
        f"{_entries(environment, each)}, 0);"
        for each in pools(environment)
    ]


def _entries(environment: Environment, each: Pool) -> int:
    return max(1, environment.target.dynamic_bytes // each.size)


# Changing


def functions(environment: Environment) -> list[str]:
    """The functions that store and free elements."""
    used = pools(environment)
    if not used:
        return []
    counted = len(used) > 1
    lines = (
        [f"#define DYNAMIC_BYTES {environment.target.dynamic_bytes}", "", '#include "dynamic.h"', ""] if counted else []
    )
    for each in used:
        lines += [*_free(each, counted), "", *_store(each, counted), ""]
    return lines


def _free(each: Pool, counted: bool) -> list[str]:
    delete = f"{each.name}.delete(key)"
    body = [f"    if (!{delete})", f"        dynamic_give(control, {each.size});"] if counted else [f"    {delete};"]
    head = f"SUBPROGRAM int {each.name}_free(struct control *control, struct {each.name}_key *key)"
    return [head, "{", *body, "    return 0;", "}"]


def _store(each: Pool, counted: bool) -> list[str]:
    """A number is written in place; anything larger replaces the element, so that nobody reads half of it."""
    parameter = "const void *value" if each.value else "s64 value"
    lines = [f"SUBPROGRAM int {each.name}_store(struct firing *f, struct {each.name}_key *key, {parameter})", "{"]
    if not each.value:
        lines += [
            f"    struct {each.name}_value *old = {each.name}.lookup(key), new = {{value}};",
            "",
            "    if (!value) {",
            f"        return {each.name}_free(f->control, key);",
            "    }",
            "    if (old) {",
            "        old->value = value;",
            "        return 0;",
            "    }",
        ]
    elif counted:
        lines += [f"    int added = !{each.name}.lookup(key);", ""]
    new = f"{each.name}.update(key, {f'(struct {each.name}_value *)value' if each.value else '&new'})"
    if not counted:
        return [*lines, f"    if ({new})", "        f->frame->counts.dynamic_drops++;", "    return 0;", "}"]
    added = "added && " if each.value else ""
    lines += [
        f"    if ({added}!dynamic_take(f->control, {each.size}))",
        "        f->frame->counts.dynamic_drops++;",
        f"    else if ({new}) {{",
        "        f->frame->counts.dynamic_drops++;",
    ]
    if each.value:
        lines += ["        if (added)", f"            dynamic_give(f->control, {each.size});"]
    else:
        lines.append(f"        dynamic_give(f->control, {each.size});")
    return [*lines, "    }", "    return 0;", "}"]


# The end of a thread


def of_threads(environment: Environment) -> list[Variable]:
    """Those that a thread has."""
    return [variable for variable in variables(environment) if variable.scope == "self"]


def _arrays(environment: Environment) -> list[Pool]:
    """The pools in which threads have elements that are not known by name."""
    return list(dict.fromkeys(pool(environment, each) for each in of_threads(environment) if each.keys))


def marks(environment: Environment) -> int:
    """How many threads can have elements of arrays; 0 if there are no such arrays."""
    return max((_entries(environment, each) for each in _arrays(environment)), default=0)


def sweeps(environment: Environment) -> list[str]:
    """What looks at each element of a pool when a thread has ended."""
    lines = []
    for each in _arrays(environment):
        lines += [
            f"CALLBACK long {each.name}_sweep(void *map, struct {each.name}_key *key, void *value, struct sweep *sweep)",
            "{",
            "    if ((key->owner & THREAD_BITS) == sweep->thread)",
            f"        {each.name}_free(sweep->control, key);",
            "    return 0;",
            "}",
            "",
        ]
    return lines


def ending(environment: Environment) -> list[str]:
    """The statements that free all that the thread ``thread`` had, on every level of interrupts."""
    named = [each for each in of_threads(environment) if not each.keys]
    lines = []
    if named:
        lines += ["    for (u64 level = 0; level < 4; level++) {"]
        for each in dict.fromkeys(pool(environment, variable) for variable in named):
            lines.append(f"        struct {each.name}_key {each.name}_key = {{}};")
        for variable in named:
            stem = pool(environment, variable).name
            lines.append(f"        {stem}_key.owner = {owner(variable)} | thread | level << 40;")
            lines.append(f"        {stem}_free(words, &{stem}_key);")
        lines.append("    }")
    if arrays := _arrays(environment):
        lines += [
            "    struct sweep sweep = {words, thread};",
            "",
            "    if (thread_marks.delete(&thread))",
            "        return 0;",
        ]
        lines.append("#define bpf_map_lookup_elem SWEEP")
        lines += [f"    {each.name}.lookup((void *){each.name}_sweep_NUMBER);" for each in arrays]
        lines.append("#undef bpf_map_lookup_elem")
    return lines
