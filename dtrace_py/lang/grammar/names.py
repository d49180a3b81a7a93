"""Which words are types while a source is parsed (L16): the one thing that D's grammar has to ask about names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager


class Names:
    """What the source has declared up to here; all other names are for ``is_type`` to know."""

    def __init__(self, is_type: Callable[[str], bool]) -> None:
        self._is_type = is_type
        self._declared: dict[str, bool] = {}

    def is_type(self, name: str) -> bool:
        """Whether a word is the name of a type here. Asked sparingly: the answer may have to come from the kernel."""
        found = self._declared.get(name)
        return self._is_type(name) if found is None else found

    def types(self, names: Iterable[str]) -> None:
        """These names are types from here on."""
        self._declared.update(dict.fromkeys(names, True))

    def values(self, names: Iterable[str]) -> None:
        """These names are variables or constants from here on, even if there are types of that name."""
        self._declared.update(dict.fromkeys(names, False))

    @contextmanager
    def local(self) -> Iterator[None]:
        """What is declared inside is forgotten afterwards."""
        before = dict(self._declared)
        yield
        self._declared = before
