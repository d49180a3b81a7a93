"""SIGINT and SIGTERM while tracing: the first ends it, the second gives up on printing (contract U77)."""

from __future__ import annotations

import signal
import time


class Signals:
    """The two signals wait until they are asked for. Those ignored on entry stay ignored."""

    def __init__(self) -> None:
        wanted = {signal.SIGINT, signal.SIGTERM}
        self._watched = {number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN}
        self._before: set[signal.Signals] = set()
        self._seen = 0

    def __enter__(self) -> Signals:
        self._before = {signal.Signals(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, self._watched)}
        return self

    def __exit__(self, *_: object) -> None:
        while signal.sigtimedwait(self._watched, 0) is not None:
            pass  # what came too late to matter would otherwise end the process now
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def wait(self, seconds: float) -> bool:
        """Sleep, but not beyond a signal; whether there was one."""
        if not self._watched:
            time.sleep(seconds)
            return False
        if signal.sigtimedwait(self._watched, seconds) is not None:
            self._seen += 1
        return self._seen > 0

    def impatient(self) -> bool:
        """Whether a second signal came: what is not printed yet is abandoned."""
        self.wait(0)
        return self._seen > 1
