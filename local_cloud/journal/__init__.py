"""What the local cloud has acknowledged, kept so that a killed server loses none of it."""

from __future__ import annotations

from pathlib import Path

from local_cloud.journal.store import Change, Journal, JournalDamaged, NoSpaceLeft, Transaction

__all__ = ["Change", "Journal", "JournalDamaged", "NoSpaceLeft", "Transaction", "current", "open_in"]

_open: list[Journal] = []


def open_in(directory: Path) -> Journal:
    """Open the journal of this server process; `current` gives it from now on."""
    _open[:] = [Journal(directory)]
    return _open[0]


def current() -> Journal:
    """The journal of this server process."""
    if not _open:
        raise RuntimeError("Expected an open journal; local_cloud.server opens one before anything is installed.")
    return _open[0]
