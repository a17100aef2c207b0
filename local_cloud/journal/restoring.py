"""Gives MiniStack's services what the journal has of them when the server starts, or what an old state folder has."""

from __future__ import annotations

import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import stepfunctions

from local_cloud.journal import executions
from local_cloud.journal.places import SCOPED, Place
from local_cloud.journal.recorder import Recorder
from local_cloud.journal.services import PLACES, Service
from local_cloud.journal.store import Journal, JournalDamaged, Transaction
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
        """Let MiniStack neither load nor save anything itself: what fails there is only logged."""
        app._load_persisted_state = lambda: None
        app.save_all = lambda _: None

    def load(self) -> None:
        """Restore every service. Raises JournalDamaged for one that cannot be: it must not begin without its past."""
        for name, text in self._rows(executions.DEFINITIONS).items():
            executions.restore_definition(name, text)
        for name, module in app._state_map.items():
            try:
                state = self._service(name, module)
                if state:
                    app._get_module(module).load_persisted_state(state)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise JournalDamaged(
                    f"Expected the state of {name} in the journal of {self._journal.directory}, found something else "
                    f"({type(error).__name__}: {error}): put back a copy of the folder, or start with another one."
                ) from error
        self._move()
        self._journal.forget_unnamed()
        self._forget_definitions()

    def _service(self, name: str, module: str) -> dict[str, Any] | None:
        """What a service had, as its `load_persisted_state` takes it; None for nothing."""
        kinds = [kind for kind in self._stores[name] if kind != executions.DEFINITIONS]
        if not kinds:
            loaded: dict[str, Any] | None = persistence.load_state(name)
            return loaded
        had = {kind.partition("/")[2]: self._store(kind) for kind in kinds}
        return _empty(Service(name, app._get_module(module)).state()) | had

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
        self._recorder.keep_all(growing=True)
        for path in found:
            path.unlink()
        logger.warning("The state of %d services was moved to the journal.", len(found))

    def _forget_definitions(self) -> None:
        used = {each.get("definitionHash") for each in stepfunctions._executions.all_values()}
        gone = [name for name in self._recorder.known.keys(executions.DEFINITIONS) if name not in used]
        self._journal.commit(Transaction(entries=[(executions.DEFINITIONS, name, None) for name in gone]))
        for name in gone:
            self._recorder.known.put(executions.DEFINITIONS, name, text=None)


def _empty(state: dict[str, Any]) -> dict[str, Any]:
    """A service's state with nothing in its stores: those that had nothing have no rows."""
    return {name: _empty_store(value) if isinstance(value, SCOPED) else value for name, value in state.items()}


def _empty_store(store: Any) -> Any:
    return AccountRegionScopedDict() if isinstance(store, AccountRegionScopedDict) else AccountScopedDict()
