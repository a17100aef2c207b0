"""The journal's file: one SQLite database in WAL mode with a row per thing that was acknowledged; in the server.

A row survives a killed process as soon as its transaction is committed, for the operating system has it then. It is
not waited for until the disk has it too: only a machine that loses its power loses rows, and never half of them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

FILE = "journal.sqlite"
# Kind, key, and the text that is kept; None for a row that is forgotten.
Change = tuple[str, str, str | None]


class Journal:
    """Texts by kind and key. One per server process; usable from any thread."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(directory / FILE, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS entries (kind TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, key)) "
            "WITHOUT ROWID"
        )

    def write(self, changes: Iterable[Change]) -> None:
        """Keep or forget rows, all of them or none; raises sqlite3.OperationalError where the disk is full."""
        with self._lock, self._transaction():
            for kind, key, value in changes:
                if value is None:
                    self._database.execute("DELETE FROM entries WHERE kind = ? AND key = ?", (kind, key))
                else:
                    self._database.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", (kind, key, value))

    def read(self, kind: str) -> Iterator[tuple[str, str]]:
        """Every key and text of a kind, in the order of keys."""
        with self._lock:
            rows = self._database.execute("SELECT key, value FROM entries WHERE kind = ? ORDER BY key", (kind,))
            yield from rows.fetchall()

    def close(self) -> None:
        """Write back what the log holds and let go of the file."""
        with self._lock:
            self._database.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database)


class _Transaction:
    """BEGIN IMMEDIATE, then COMMIT or ROLLBACK."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            try:
                self._database.execute("COMMIT")
            except sqlite3.Error:
                self._database.execute("ROLLBACK")
                raise
        elif self._database.in_transaction:
            self._database.execute("ROLLBACK")
