"""What can go wrong with a guest, each with the exit status that tells it from a failing command."""

from __future__ import annotations


class LabError(Exception):
    """The lab could not do its part: nothing was run, or nothing can be said about it."""

    status = 125


class GuestDied(LabError):
    """The guest's kernel oopsed, locked up, panicked or complained, or the guest ended without a status."""

    status = 120


class GuestTimeout(LabError):
    """The time limit passed before the command ended."""

    status = 124
