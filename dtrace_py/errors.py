"""Errors that end a run, each with the exit status of its kind (contract M34)."""

from __future__ import annotations


class DtpyError(Exception):
    """A fatal error: its text is what the command prints behind its own name."""

    status = 1


class UsageError(DtpyError):
    """The command line makes no sense."""

    status = 2
