"""The journal's file: one SQLite database in WAL mode with a row per thing that was acknowledged; in the server.

A row survives a killed process as soon as its transaction is committed, for the operating system has it then. It is
not waited for until the disk has it too: only a machine that loses its power loses rows, and never half of them.
"""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from trainyard.errors import TrainyardError

FILE = "journal.sqlite"
# A list has room for this many items: its places are those from its number times this.
ROOM = 1 << 24
# Kind, key, and the text that is kept; None for a row that is forgotten.
Change = tuple[str, str, str | None]

_TABLES = (
    # Rows come back in the order in which they were first written: what lists things lists them as it did before.
    "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, "
    "value TEXT NOT NULL, UNIQUE (kind, key))",
    # The place of an item: the number of its list, and its own number in it.
    "CREATE TABLE IF NOT EXISTS appended (place INTEGER PRIMARY KEY, value TEXT NOT NULL)",
)
_PUT = (
    "INSERT INTO entries (kind, key, value) VALUES (?, ?, ?) "
    "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
)


class JournalDamaged(TrainyardError):
    """The journal's file is no database any more, or not one of this program's."""


class NoSpaceLeft(OSError):
    """The disk is full: nothing of a transaction was written."""


@dataclass(kw_only=True)
class Transaction:
    """What is written together, all of it or none."""

    entries: list[Change] = field(default_factory=list)
    # Kinds of which every row is forgotten, before `entries` are written.
    kinds: list[str] = field(default_factory=list)
    # Owner of a list, the number of an item in it, and its text.
    appended: list[tuple[int, int, str]] = field(default_factory=list)
    # Owners whose lists are forgotten, before `appended` is written.
    owners: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.entries or self.kinds or self.appended or self.owners)


class Journal:
    """Texts by kind and key, and lists of texts that only grow. One per server process; usable from any thread."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        # How `write` writes: a recorder of the services' changes takes this over.
        self.along: Callable[[list[Change]], None] = lambda changes: self.commit(Transaction(entries=changes))
        self._writing, self._reading = threading.Lock(), threading.Lock()
        try:
            self._writer, self._reader = self._connection(), self._connection()
            for statement in _TABLES:
                self._writer.execute(statement)
            self._next_owner = 1 + (self._row("SELECT MAX(place) FROM appended")[0] or 0) // ROOM
            self._named: set[int] = set()
        except sqlite3.DatabaseError as error:
            found = _understood(error, directory / FILE)
            if isinstance(found, NoSpaceLeft):
                raise TrainyardError(
                    f"Expected room for the local cloud's journal in {directory}, found a full disk."
                ) from error
            raise found from error

    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.directory / FILE, check_same_thread=False, isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    def write(self, changes: Iterable[Change]) -> None:
        """Keep or forget rows, all of them or none; raises NoSpaceLeft where the disk is full.

        What the caller has changed in the services before is written with them.
        """
        self.along(list(changes))

    def commit(self, transaction: Transaction) -> None:
        """Write a transaction; raises NoSpaceLeft where the disk is full."""
        with self._writing:
            try:
                self._write(transaction)
            except sqlite3.Error as error:
                # Some errors of SQLite have rolled back already.
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise _understood(error, self.directory / FILE) from error

    def _write(self, transaction: Transaction) -> None:
        execute, many = self._writer.execute, self._writer.executemany
        execute("BEGIN IMMEDIATE")
        many("DELETE FROM entries WHERE kind = ?", [(kind,) for kind in transaction.kinds])
        ranges = [(owner * ROOM, (owner + 1) * ROOM) for owner in transaction.owners]
        many("DELETE FROM appended WHERE place >= ? AND place < ?", ranges)
        for kind, key, value in transaction.entries:
            if value is None:
                execute("DELETE FROM entries WHERE kind = ? AND key = ?", (kind, key))
            else:
                execute(_PUT, (kind, key, value))
        rows = [(owner * ROOM + number, value) for owner, number, value in transaction.appended]
        many("INSERT OR REPLACE INTO appended VALUES (?, ?)", rows)
        execute("COMMIT")

    def read(self, kind: str) -> Iterator[tuple[str, str]]:
        """Every key and text of a kind, in the order in which they were first written."""
        for key, value in self._rows("SELECT key, value FROM entries WHERE kind = ? ORDER BY id", kind):
            yield str(key), str(value)

    def kinds(self) -> list[str]:
        """The kinds that have rows."""
        return [str(kind) for (kind,) in self._rows("SELECT DISTINCT kind FROM entries")]

    def new_owner(self) -> int:
        """A number for a list that begins to grow."""
        with self._writing:
            self._next_owner += 1
            self._named.add(self._next_owner - 1)
            return self._next_owner - 1

    def named(self, owner: int) -> None:
        """Give no new list the number of one that is there."""
        with self._writing:
            self._named.add(owner)
            self._next_owner = max(self._next_owner, owner + 1)

    def forget_unnamed(self) -> None:
        """Delete the lists that nobody has named since the journal was opened: what they belonged to is gone."""
        unnamed, place = [], self._row("SELECT MIN(place) FROM appended")[0]
        while place is not None:
            owner = place // ROOM
            if owner not in self._named:
                unnamed.append(owner)
            place = self._row("SELECT MIN(place) FROM appended WHERE place >= ?", (owner + 1) * ROOM)[0]
        if unnamed:
            self.commit(Transaction(owners=unnamed))

    def length(self, owner: int) -> int:
        """How many items of a list were written."""
        query = "SELECT MAX(place) FROM appended WHERE place >= ? AND place < ?"
        last = self._row(query, owner * ROOM, (owner + 1) * ROOM)[0]
        return 0 if last is None else last % ROOM + 1

    def items(self, owner: int, *, start: int, stop: int) -> list[str]:
        """Items `start` to `stop` of a list, the last one not included."""
        query = "SELECT value FROM appended WHERE place >= ? AND place < ? ORDER BY place"
        return [str(value) for (value,) in self._rows(query, owner * ROOM + start, owner * ROOM + stop)]

    def close(self) -> None:
        """Write back what the log holds and let go of the file."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    def _rows(self, query: str, *parameters: str | int) -> list[tuple[str, ...]]:
        with self._reading:
            return self._reader.execute(query, parameters).fetchall()

    def _row(self, query: str, *parameters: str | int) -> tuple[int | None, ...]:
        with self._reading:
            row: tuple[int | None, ...] = self._reader.execute(query, parameters).fetchone()
            return row


def _understood(error: sqlite3.Error, file: Path) -> Exception:
    """The exception to raise for one of SQLite's: a full disk and a damaged file are told apart from mistakes."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return NoSpaceLeft(errno.ENOSPC, f"No space left to write what is acknowledged ({error})", str(file))
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return JournalDamaged(
            f"Expected the local cloud's journal in {file}, found a damaged file ({error}): put back a copy of the "
            "folder, or start with another one (--state-dir)."
        )
    return error
