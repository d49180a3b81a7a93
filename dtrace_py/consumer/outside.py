"""What records do beyond printing: commands, files, options, packets (contract A15, A25, A29 to A31)."""

from __future__ import annotations

from collections.abc import Callable

from dtrace_py.consumer.style import Style, style_of
from dtrace_py.options import Options
from dtrace_py.output.packets import Packets
from dtrace_py.output.sink import Sink

Say = Callable[[str], object]
"""Takes the text of a library error (F25)."""


class Outside:
    """The world that the consumer of a run acts on."""

    def __init__(self, sink: Sink, options: Options) -> None:
        self._sink = sink
        self._options = options
        self.packets = Packets(sink, options.number("pcapsize"))

    def system(self, command: str, say: Say) -> None:
        """Run a command by the shell, behind everything printed so far, and wait for it (A31)."""
        try:
            self._sink.run(self._cut(command))
        except OSError as error:
            say(f"couldn't run a shell: {error.strerror}")

    def freopen(self, name: str, say: Say) -> None:
        """What is printed from now on goes to the end of this file; to where it went first, if the name is empty (A30)."""
        name = self._cut(name)
        try:
            if name:
                self._sink.redirect(name)
            else:
                self._sink.restore()
        except OSError as error:
            say(f'couldn\'t freopen() "{name}": {error.strerror}')

    def ftruncate(self) -> None:
        """Empty the output file, if it is one (A29)."""
        self._sink.truncate()

    def setopt(self, name: str, value: str, say: Say) -> None:
        """Set an option while tracing (A25, X11)."""
        try:
            self._options.set(name, value)
        except ValueError as error:
            say(f'couldn\'t set option "{name}" to "{value}": {error}')

    def style(self) -> Style:
        """How records are printed from now on."""
        return style_of(self._options)

    def _cut(self, text: str) -> str:
        return text[: self._options.number("strsize") - 1]
