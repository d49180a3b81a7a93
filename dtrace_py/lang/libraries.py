"""The D libraries (contract M38): our own, declaration by declaration as they are named, and directories of others.

Our own is large, and most programs use a name or two of it. An index, which a test holds against the files, says where each
name is declared; a declaration is read by itself, and what it names in turn in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from dtrace_py.lang.source import Source

SYSTEM = Path(__file__).parent.parent / "dlib"
INDEX = "index"

_DEPENDS = r"(?m)^[ \t]*#[ \t]*pragma[ \t]+D[ \t]+depends_on[ \t]+(provider|module|library)[ \t]+(\S+)[ \t]*$"

Available = Callable[[str, str], bool]
"""Whether there is a ``provider`` or ``module`` of a name."""


class Libraries:
    """Where names come from that neither the program nor the language declares."""

    def __init__(self, folders: Sequence[str] = (), release: str = "", system: Path | None = SYSTEM) -> None:
        self.folders = folders
        self.release = release
        """Of the kernel, for directories that hold files for some versions of it."""
        self.system = system
        self._taken: set[tuple[str, str]] = set()

    @cached_property
    def _index(self) -> str:
        return "\n" + (self.system / INDEX).read_text() if self.system else ""

    def take(self, name: str) -> list[Source]:
        """The declarations of a name, and of the translators to it, in our own library; each is given once."""
        assert self.system or not self._index
        found = []
        at = self._index.find(f"\n{name}\t")
        while at >= 0:
            _, file, start, end, line = self._index[at + 1 : self._index.index("\n", at + 1)].split("\t")
            if (file, start) not in self._taken:
                self._taken.add((file, start))
                found.append(self._piece(file, int(start), int(end), line))
            at = self._index.find(f"\n{name}\t", at + 1)
        return found

    def _piece(self, file: str, start: int, end: int, line: str) -> Source:
        assert self.system
        path = self.system / file
        return Source(f'# {line} "{path}"\n{path.read_text()[start:end]}', path=str(path))

    def files(self, available: Available) -> Iterator[Source]:
        """The files of the given directories, those that others depend on first; without those that lack something."""
        texts: dict[str, Source] = {}
        for folder in self.folders:
            for path in self._files(Path(folder)):
                text = path.read_text(encoding="latin-1")
                texts.setdefault(path.name, Source(f'# 1 "{path}"\n{text}', path=str(path)))
        done: dict[str, bool] = {}

        def usable(name: str) -> Iterator[Source]:
            """The library of that name with what it depends on; ``done`` tells whether it could be had."""
            if name in done or name not in texts:
                return
            done[name] = False  # while it is being looked at: it cannot depend on itself
            source = texts[name]
            for kind, needed in re.findall(_DEPENDS, source.text):
                if kind == "library":
                    yield from usable(needed)
                if not (done.get(needed, self._ours(needed)) if kind == "library" else available(kind, needed)):
                    return
            done[name] = True
            yield source._replace(text=re.sub(_DEPENDS, "", source.text))

        for name in texts:
            yield from usable(name)

    def _ours(self, file: str) -> bool:
        """Whether our own library has a file of that name, read as names of it turn up."""
        return self.system is not None and "/" not in file and (self.system / file).is_file()

    def _files(self, folder: Path) -> Iterator[Path]:
        """The files of a directory; those for the running kernel's version, or the last one before it, come first."""
        if not folder.is_dir():
            return
        ours = _version(self.release)
        numbered = ((_version(path.name), path) for path in folder.iterdir() if path.is_dir())
        for version, path in sorted(numbered, reverse=True):
            if version and version <= ours:
                yield from sorted(path.glob("*.d"))
        yield from sorted(folder.glob("*.d"))


def _version(text: str) -> tuple[int, ...]:
    """The numbers of ``6.12`` or ``6.12.9-amd64``; nothing for what is no version."""
    match = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()
