"""Draws up what is to be written: rows whose text differs from what the journal has; in the server."""

from __future__ import annotations

import logging
from typing import Any

from local_cloud.journal.store import Transaction
from local_cloud.journal.texts import text_of

logger = logging.getLogger("local_cloud.journal")


class Known:
    """The rows that the journal has, each as a number made of its text: two texts with one number do not happen."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, int]] = {}

    def keys(self, kind: str) -> list[str]:
        """The keys of a kind."""
        return list(self._rows.get(kind, ()))

    def has(self, kind: str, key: str) -> bool:
        """Whether there is such a row."""
        return key in self._rows.get(kind, ())

    def same(self, kind: str, key: str, *, text: str) -> bool:
        """Whether there is such a row with this text."""
        return self._rows.get(kind, {}).get(key) == hash(text)

    def put(self, kind: str, key: str, *, text: str | None) -> None:
        """Take note of a row that was read or written, or forgotten."""
        if text is not None:
            self._rows.setdefault(kind, {})[key] = hash(text)
        else:
            self._rows.get(kind, {}).pop(key, None)

    def forget(self, kind: str) -> None:
        """Take note that a kind has no rows any more."""
        self._rows.pop(kind, None)


class Draft:
    """A transaction that is being drawn up."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.transaction = Transaction()

    def keep(self, kind: str, key: str, *, value: Any) -> None:
        """Write a row, if it is new or has changed."""
        try:
            text = text_of(value)
        except TypeError as error:
            # MiniStack keeps such things for as long as it runs, no longer.
            logger.debug("%s %s cannot be written down: %s", kind, key, error)
            return
        if not self.known.same(kind, key, text=text):
            self.transaction.entries.append((kind, key, text))

    def forget(self, kind: str, key: str) -> None:
        """Forget a row, if there is one."""
        if self.known.has(kind, key):
            self.transaction.entries.append((kind, key, None))

    def forget_kind(self, kind: str) -> None:
        """Forget all rows of a kind."""
        self.transaction.kinds.append(kind)
        self.known.forget(kind)

    def written(self) -> None:
        """Take note that the transaction was committed."""
        for kind, key, text in self.transaction.entries:
            self.known.put(kind, key, text=text)
