"""Progress of slow work, on a terminal's standard error only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], object]]:
    """A moving line while the block runs, which can be given another text; nothing when standard error is no terminal."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    # Imported late: rich is slow to load, and most runs need none of it.
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield status.update
