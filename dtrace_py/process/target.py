"""A process that -c has started or -p has grabbed. It is followed to its end, by a thread of its own (ptrace(2))."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from dtrace_py.kernel import ptrace
from dtrace_py.process import evaltime
from dtrace_py.process.objects import Objects

_NUDGE = signal.SIGURG
"""Interrupts the thread's waiting, for it to let go of the process."""


class Target:
    """One process. It runs from ``release`` on; ``ended`` tells when it is gone, and ``status`` how."""

    def __init__(self, process: int, created: bool) -> None:
        self.process = process
        self.created = created
        self.status: int | None = None
        """As os.waitpid() tells it."""
        self.ended = threading.Event()
        self.before_exit: Callable[[int], object] = lambda process: None
        """Called with the process's id when it is about to exit, and all it has in memory is still there."""
        self._held = threading.Event()
        self._released = threading.Event()
        self._leaving = False
        self._error: OSError | None = None

    def follow(self, start: Callable[[], object], when: str, objects: Objects) -> None:
        """Begin to follow the process; ``start`` lets a created one call exec(). Returns when it is held where option
        evaltime says, or at once if it was not created. Raises OSError."""
        self._thread = threading.Thread(target=self._follow, args=(start, when, objects), daemon=True)
        # The user's signals are for the main thread.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {_NUDGE})
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._held.wait()
        if self._error:
            raise self._error

    def release(self) -> None:
        """Let it run."""
        self._released.set()

    def leave(self) -> None:
        """Be done with it: what was created is killed, what was grabbed goes on."""
        if self._leaving:
            return
        self._leaving = True
        if self.created and not self.ended.is_set():
            os.kill(self.process, signal.SIGKILL)
        self._released.set()
        before = signal.signal(_NUDGE, lambda *_: None)
        while self._thread.is_alive():
            assert self._thread.ident is not None
            if not self.created:
                signal.pthread_kill(self._thread.ident, _NUDGE)
            self._thread.join(0.01)
        signal.signal(_NUDGE, before)
        if self.created:
            try:
                os.waitpid(self.process, 0)
            except ChildProcessError:
                pass  # the thread has heard of its end

    # All below is done by the thread. When it ends the kernel lets go of the process.

    def _follow(self, start: Callable[[], object], when: str, objects: Objects) -> None:
        try:
            try:
                ptrace.seize(self.process)
                start()
                if self.created:
                    self._hold(when, objects)
            finally:
                self._held.set()
            if self.created:
                self._released.wait()
                ptrace.go_on(self.process)
            while not self._leaving or self.created:
                self._step(ptrace.wait(self.process))
        except ptrace.Gone as gone:
            self._end(gone.status)
        except OSError as error:
            self._error = error
            self._held.set()

    def _hold(self, when: str, objects: Objects) -> None:
        """Wait for exec(), and go on to where the process is to be held."""
        while True:
            stop = ptrace.wait(self.process)
            if stop and stop.execed:
                evaltime.run_to(self.process, when, objects)
                return
            self._step(stop)

    def _step(self, stop: ptrace.Stop | None) -> None:
        """Let the process go on from where it has stopped. Raises Gone when it has ended."""
        if stop is None:
            return
        if stop.status is not None:
            raise ptrace.Gone(stop.status)
        if stop.exiting:
            self.before_exit(self.process)
        if stop.grouped:
            ptrace.stay(self.process)
        else:
            ptrace.go_on(self.process, stop.signal)

    def _end(self, status: int | None) -> None:
        self.status = status
        self.ended.set()
