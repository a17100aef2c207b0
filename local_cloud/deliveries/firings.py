"""When each schedule fired last, written together with what it set off: no restart fires it again; in the server.

MiniStack forgets it, and would fire at every start whatever was once due.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services import eventbridge, scheduler

from local_cloud.journal.store import Change, Journal

# Account, region and name of a schedule or a rule, as MiniStack keys them.
Key = tuple[str, ...]


class Firings(dict[Key, float]):
    """Seconds since 1970 by schedule, in place of MiniStack's dictionary; `kind` is that of its rows in the journal."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind
        self._unwritten: dict[Key, float] = {}

    def __setitem__(self, key: Key, fired: float) -> None:
        super().__setitem__(key, fired)
        self._unwritten[key] = fired

    def take(self) -> Iterator[Change]:
        """The rows that are still to be written."""
        while self._unwritten:
            key, fired = self._unwritten.popitem()
            yield self._kind, json.dumps(key), json.dumps(fired)

    def restore(self, journal: Journal, schedules: Mapping[Key, Mapping[str, Any]]) -> None:
        """Read what an earlier server wrote; a schedule that was made again since has not fired yet."""
        for text, fired in list(journal.read(self._kind)):
            key = tuple(json.loads(text))
            made = schedules.get(key, {})
            if float(made.get("CreationDate", made.get("CreationTime", "inf"))) <= float(fired):
                super().__setitem__(key, float(fired))
            else:
                journal.write([(self._kind, text, None)])


of_schedules, of_rules = Firings("fired-schedule"), Firings("fired-rule")


def install() -> None:
    """Stand in for MiniStack's dictionaries."""
    scheduler._schedule_last_fired = of_schedules
    eventbridge._rule_last_fired = of_rules


def take() -> list[Change]:
    """What is to be written together with the next event that is accepted."""
    return [*of_schedules.take(), *of_rules.take()]


def restore(journal: Journal) -> None:
    """Remember what fired before this server, once schedules and rules have been restored."""
    of_schedules.restore(journal, scheduler._schedules._data)
    of_rules.restore(journal, eventbridge._rules._data)
