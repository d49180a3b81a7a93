"""Progress of slow work: a moving line on a terminal's standard error, messages with option debug."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dtrace_py.options import Options


def debugging(options: Options, complain: Callable[[str], object]) -> Callable[[str], object]:
    """What passes messages on with option debug only."""
    return lambda text: options.flag("debug") and complain(f"debug: {text}")


@contextmanager
def progress(what: str, debug: Callable[[str], object]) -> Iterator[Callable[[str], object]]:
    """A moving line while the block runs, which can be given another text; nothing when standard error is no terminal.
    ``debug`` hears how long it took."""
    began = time.monotonic()
    with _shown(what) as update:
        yield update
    debug(f"{what}: {time.monotonic() - began:.3f} s")


@contextmanager
def _shown(what: str) -> Iterator[Callable[[str], object]]:
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    # Imported late: rich is slow to load, and most runs need none of it.
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield status.update
