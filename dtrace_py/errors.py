"""Errors that end a run, each with the exit status of its kind (contract M34), and how messages count."""

from __future__ import annotations


class DtpyError(Exception):
    """A fatal error: its text is what the command prints behind its own name."""

    status = 1


class InternalError(DtpyError):
    """A bug of dtpy, of which there is something to be told."""


class UsageError(DtpyError):
    """The command line makes no sense."""

    status = 2


class Unlisted(DtpyError):
    """The kernel does not tell which probes there are: fatal, except to a run that only compiles."""


class Interrupted(DtpyError):
    """The user gave up before tracing began."""

    status = 128 + 2

    def __init__(self) -> None:
        super().__init__("interrupted before tracing began")


def counted(number: int, what: str) -> str:
    """``1 probe``, ``2 probes``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
