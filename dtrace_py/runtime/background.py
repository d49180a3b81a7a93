"""Going on in the background: the process ends for whoever started it, a child of it does the rest."""

from __future__ import annotations

import os
import signal
import time


def go_on(status: int) -> None:
    """Return in a child that has everything open that this process has; this process exits with ``status`` here and now.

    Nothing of it is closed for the kernel: what is attached stays so until the child lets go. The child leaves the terminal
    alone: it has a session of its own, no standard files, and takes no signal of the user's.
    """
    parent = os.getpid()
    if os.fork():
        os._exit(status)
    # What the parent holds open is closed before its children hear of its death; until then nothing can be let go of.
    while os.getppid() == parent:
        time.sleep(0.01)
    leave_terminal()


def leave_terminal() -> None:
    """For a child that outlives its parent: a session of its own, no standard files, none of the user's signals."""
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.close(null)
