"""Gives MiniStack's services what the journal has of them when the server starts, or what an old state folder has."""

from __future__ import annotations

import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import stepfunctions

from local_cloud.journal import executions
from local_cloud.journal.places import Place
from local_cloud.journal.recorder import PLACES, Recorder
from local_cloud.journal.store import Journal, Transaction
from local_cloud.journal.texts import scoped_key, store_of, value_of

logger = logging.getLogger("local_cloud.journal")


class Restored:
    """What the journal has, handed to MiniStack service by service; `services` is where old folders keep snapshots."""

    def __init__(self, journal: Journal, recorder: Recorder, *, services: Path) -> None:
        self._journal, self._recorder, self._services = journal, recorder, services
        self._stores: dict[str, list[str]] = defaultdict(list)
        for kind in journal.kinds():
            if kind.count("/") == 1:
                self._stores[kind.partition("/")[0]].append(kind)

    def install(self) -> None:
        """Let MiniStack load from here when it starts, and save nothing itself when it ends."""
        load = app._load_persisted_state

        def load_and_move() -> None:
            for name, text in self._rows(executions.DEFINITIONS).items():
                executions.restore_definition(name, text)
            load()
            self._move()
            self._journal.forget_unnamed()
            self._forget_definitions()

        app.load_state = self.service
        app.save_all = lambda _: None
        app._load_persisted_state = load_and_move

    def service(self, name: str) -> dict[str, Any] | None:
        """What a service had, as MiniStack's `load_persisted_state` takes it; None for nothing."""
        kinds = [kind for kind in self._stores[name] if kind != executions.DEFINITIONS]
        if not kinds:
            loaded: dict[str, Any] | None = persistence.load_state(name)
            return loaded
        return {kind.partition("/")[2]: self._store(kind) for kind in kinds}

    def _store(self, kind: str) -> Any:
        place = PLACES.get(kind, Place)(kind, None)
        rows = self._rows(kind)
        if kind not in PLACES:
            return store_of(rows)
        for text, value in rows.items():
            key = scoped_key(text)
            parts = place.parts(key)
            rows[text] = place.restored(key, value, rows=self._rows(parts) if parts else {}, journal=self._journal)
        return store_of(rows)

    def _rows(self, kind: str) -> dict[str, Any]:
        rows = {}
        for key, text in self._journal.read(kind):
            self._recorder.known.put(kind, key, text=text)
            rows[key] = value_of(text)
        return rows

    def _move(self) -> None:
        """Write what came from snapshots to the journal, and only then let go of them."""
        snapshots = [self._services / f"{name}.json" for name in app._state_map]
        found = [path for path in snapshots if path.exists()]
        if not found:
            return
        self._recorder.keep_all()
        for path in found:
            path.unlink()
        logger.warning("The state of %d services was moved to the journal.", len(found))

    def _forget_definitions(self) -> None:
        used = {each.get("definitionHash") for each in stepfunctions._executions.all_values()}
        gone = [name for name in self._recorder.known.keys(executions.DEFINITIONS) if name not in used]
        self._journal.commit(Transaction(entries=[(executions.DEFINITIONS, name, None) for name in gone]))
        for name in gone:
            self._recorder.known.put(executions.DEFINITIONS, name, text=None)
