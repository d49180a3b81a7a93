"""The consumer's side of aggregations: what was drained from the kernel, with what clear, trunc and normalize did to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dtrace_py.lang.formats import Format
from dtrace_py.output import aggregations as output
from dtrace_py.output import users
from dtrace_py.output.aggregations import Order
from dtrace_py.output.look import Look
from dtrace_py.output.table import Entry, Table, Value
from dtrace_py.output.values import Lookup
from dtrace_py.runtime.aggregations import KernelAggregation, Key, Words, merge

_PLAIN = ("int", "text", "memory", "stack")
"""Keys that are what they are."""


class Store:
    """All aggregations of a run, in the order of their first appearance."""

    def __init__(
        self,
        aggregations: Sequence[KernelAggregation],
        lookup: Lookup,
        order: Callable[[], Order],
        stack_indent: Callable[[], int],
        look: Callable[[], Look] = Look,
    ) -> None:
        self._kernel = {each.layout.aggregation.name: each for each in aggregations}
        self._further: dict[str, list[KernelAggregation]] = {name: [] for name in self._kernel}
        """The maps that units which were loaded later have for the same aggregations."""
        self._data: dict[str, dict[Key, Words]] = {name: {} for name in self._kernel}
        self._normals: dict[str, dict[Key, int]] = {name: {} for name in self._kernel}
        self._printed: set[str] = set()
        self._fresh: set[str] = set()
        self._lookup = lookup
        self._order = order
        self._stack_indent = stack_indent
        self._look = look
        self._modules: dict[str, int] = {}

    def learn(self, aggregations: Sequence[KernelAggregation]) -> None:
        """Further maps of the same aggregations; the sizes of their keys may differ."""
        for each in aggregations:
            self._further[each.layout.aggregation.name].append(each)

    def new_pass(self) -> None:
        """From now on what was drained before is out of date (6.4)."""
        self._fresh.clear()

    def refresh(self) -> None:
        """Take everything out of the kernel."""
        for name in self._kernel:
            self._entries(name)

    def _entries(self, name: str) -> dict[Key, Words]:
        """The entries of an aggregation, drained at most once a pass."""
        data = self._data[name]
        if name not in self._fresh:
            self._fresh.add(name)
            for kernel in (self._kernel[name], *self._further[name]):
                blank = [0] * kernel.layout.words
                for raw, values in kernel.drain():
                    key = self._normalized(kernel, raw)
                    words = data.get(key)
                    for value in values or (blank,):
                        words = merge(kernel.layout.aggregation.function, words, value)
                    assert words is not None
                    data[key] = words
        return data

    def _normalized(self, kernel: KernelAggregation, key: Key) -> Key:
        """Addresses in the same symbol or module are one key. A process is looked at, for it may be gone when it is printed."""
        if all(field.kind in _PLAIN for field in kernel.layout.keys):
            return key
        return tuple(map(self._symbolic, (field.kind for field in kernel.layout.keys), key))

    def _symbolic(self, kind: str, part: object) -> object:
        if isinstance(part, tuple) and kind != "stack":
            process, *rest = part
            self._lookup.users.see(process & (1 << users.STRINGS) - 1)
            return part if kind == "ustack" else users.normalized(process, rest[0], kind, self._lookup.users)
        if kind in _PLAIN or not isinstance(part, int) or (found := self._lookup(part)) is None:
            return part
        module, _, offset = found
        return self._modules.setdefault(module, part) if kind == "mod" else part - offset

    # Actions

    def clear(self, name: str) -> None:
        """Zero the values, keep the keys (A26)."""
        entries = self._entries(name)
        blank = [0] * self._kernel[name].layout.words
        for key in entries:
            entries[key] = list(blank)

    def trunc(self, name: str, limit: int) -> None:
        """Keep the ``limit`` largest entries, or the smallest if it is negative; none if it is 0 (A27, G67)."""
        entries = self._entries(name)
        table = self._table(name)
        ranked = output.ordered(table, self._valued(name), Order())
        kept = ranked[-limit:] if limit > 0 else ranked[:-limit]
        wanted = {entry.key for entry in kept} if limit else set()
        for key in [key for key in entries if key not in wanted]:
            del entries[key]
            self._normals[name].pop(key, None)

    def normalize(self, name: str, divisor: int) -> None:
        """Divide what there is by this when printing, but not entries that are made later (A28)."""
        self._normals[name] = dict.fromkeys(self._entries(name), divisor)

    def printed(self, names: Sequence[str], fmt: Format | None) -> str:
        """The text of a printa() (G70 to G73); marks the aggregations as printed if there was anything to print."""
        tables = [self._table(name) for name in names]
        data = [self._entries(name) for name in names]
        if any(data):
            self._printed.update(names)
        if len(names) > 1:
            text = self._joint(names, tables, fmt)
        else:
            entries = self._valued(names[0])
            if fmt is not None:
                return output.formatted(fmt, tables[0], entries, self._order())
            text = output.lines(tables[0], entries, self._order())
        return text if fmt is not None else "\n" + text

    def _joint(self, names: Sequence[str], tables: list[Table], fmt: Format | None) -> str:
        data = [{entry.key: entry.value for entry in self._valued(name)} for name in names]
        keys = dict.fromkeys(key for values in data for key in values)
        rows = [(key, [v.get(key, table.zero) for table, v in zip(tables, data, strict=True)]) for key in keys]
        return output.joint(tables, rows, fmt, self._order())

    def remaining(self) -> str:
        """Every aggregation that was never printed, as at the end of tracing (G75)."""
        order = self._order()
        names = [name for name in self._kernel if name not in self._printed]
        if order.reverse:
            names.reverse()
        pieces = []
        for name in names:
            pieces.append(output.lines(self._table(name), self._valued(name), order))
        return "".join(pieces)

    def _table(self, name: str) -> Table:
        return Table(self._kernel[name].layout, self._lookup, self._stack_indent(), self._look())

    def _valued(self, name: str) -> list[Entry]:
        normals = self._normals[name]
        return [Entry(key, Value(words, normals.get(key, 1))) for key, words in self._entries(name).items()]
