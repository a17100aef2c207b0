"""Which rows of the journal keep the entries of a store, by default one row for each; in the server.

A service whose entries grow (tables, histories, log groups, queues) has a place of its own that splits an entry into
rows: what a write costs must follow what it changes, never what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

from local_cloud.journal.draft import Draft
from local_cloud.journal.store import Journal
from local_cloud.journal.texts import WHOLE, key_text, scoped_key
from local_cloud.journal.touched import EVERY

SCOPED = (AccountScopedDict, AccountRegionScopedDict)


class Place:
    """One row for each entry of a store."""

    # Whether the store has so many entries that looking at all of them is left to the move of an old state folder.
    growing = False

    def __init__(self, kind: str, store: Any) -> None:
        self.kind = kind
        self.store = store

    def write(self, key: Any, part: Any, *, draft: Draft) -> None:
        """Draw up the rows of an entry (EVERY: of all entries) of which `part` may have changed."""
        if key is not EVERY:
            self._write_entry(key, part, draft=draft)
        elif not self.growing:
            self.write_all(draft)

    def write_all(self, draft: Draft) -> None:
        """Draw up the rows of all entries, and forget those of entries that are gone."""
        known = {scoped_key(text) for text in draft.known.keys(self.kind)}
        for key in (*list(self.store._data), *known):
            self._write_entry(key, None, draft=draft)

    def _write_entry(self, key: Any, part: Any, *, draft: Draft) -> None:
        text = key_text(self.store, key)
        if key in self.store._data:
            self.put(key, self.store._data[key], draft=draft, part=part)
        elif draft.known.has(self.kind, text):
            draft.forget(self.kind, text)
            self.gone(key, draft)

    def put(self, key: Any, value: Any, *, draft: Draft, part: Any) -> None:
        """Draw up the rows of an entry that is there."""
        del part
        draft.keep(self.kind, key_text(self.store, key), value=value)

    def gone(self, key: Any, draft: Draft) -> None:
        """Draw up what else is forgotten with an entry."""

    def restored(self, key: Any, value: Any, *, rows: Mapping[str, Any], journal: Journal) -> Any:
        """An entry as it was, from what its row has and the rows of the kind `parts` gives for it."""
        del key, rows, journal
        return value

    def parts(self, key: Any) -> str | None:
        """The kind of the rows that hold the parts of an entry, if it is split."""
        del key
        return None


def write_value(kind: str, value: Any, *, draft: Draft) -> None:
    """Draw up what a service gives as a value of its own making: row by row where it is a scoped store."""
    if isinstance(value, SCOPED):
        Place(kind, value).write_all(draft)
    elif value is None or value in ({}, []):
        draft.forget(kind, WHOLE)
    else:
        draft.keep(kind, WHOLE, value=value)


def part_kind(kind: str, key: Any) -> str:
    """The kind of the rows that hold the parts of one entry: a slash is in no account, region or kind."""
    return "/".join((kind, *key))
