"""SIGINT and SIGTERM while tracing: the first ends it, the second gives up on printing (contract U77)."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Signals:
    """The two signals wait until they are asked for, so that none cuts a line of output. Those ignored on entry stay ignored.

    While tracing goes on a thread waits for them, so that the first one takes effect at once, even when the reader of the
    output has stopped and a write waits for it.
    """

    def __init__(self) -> None:
        wanted = {signal.SIGINT, signal.SIGTERM}
        self._watched = {number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN}
        self._before: set[signal.Signals] = set()
        self._seen = 0
        self._news = threading.Event()
        self._watcher: threading.Thread | None = None

    def __enter__(self) -> Signals:
        self._before = {signal.Signals(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, self._watched)}
        return self

    def __exit__(self, *_: object) -> None:
        while signal.sigtimedwait(self._watched, 0) is not None:
            pass  # what came too late to matter would otherwise end the process now
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    @contextmanager
    def watched(self, stop: Callable[[], object]) -> Iterator[None]:
        """Call ``stop`` from another thread as soon as the first signal comes."""
        ended = False

        def watch() -> None:
            while self._watched:
                signal.sigwait(self._watched)
                if ended:
                    return
                if self._seen == 0:
                    stop()
                self._seen += 1
                self._news.set()

        if self.wait(0):
            stop()
        self._watcher = threading.Thread(target=watch, daemon=True)
        self._watcher.start()
        try:
            yield
        finally:
            ended = True
            if self._watched:
                assert self._watcher.ident is not None
                signal.pthread_kill(self._watcher.ident, next(iter(self._watched)))
            self._watcher.join()
            self._watcher = None

    def wait(self, seconds: float) -> bool:
        """Sleep, but not beyond a signal; whether there was one."""
        if self._watcher is not None:
            return self._news.wait(seconds)
        if not self._watched:
            time.sleep(seconds)
        elif signal.sigtimedwait(self._watched, seconds) is not None:
            self._seen += 1
            self._news.set()
        return self._seen > 0

    def impatient(self) -> bool:
        """Whether a second signal came: what is not printed yet is abandoned."""
        self.wait(0)
        return self._seen > 1
