"""Writes to the journal what requests and executions have changed in MiniStack's services; in the server."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ministack import app

from local_cloud.journal import sequence, touched
from local_cloud.journal.draft import Draft, Known
from local_cloud.journal.sequence import Kept
from local_cloud.journal.services import NOT_KEPT, Service
from local_cloud.journal.space import Reserve
from local_cloud.journal.store import Change, Journal
from local_cloud.journal.texts import text_of
from local_cloud.journal.touched import Mark, Touched

logger = logging.getLogger("local_cloud.journal")

# What nobody announces, such as a schedule that fired, is looked for this often.
ROUND_SECONDS = 1.0


class _Wish:
    """Somebody who waits until what `flow` has changed, and `changes`, are written."""

    def __init__(self, flow: Touched | None, changes: Sequence[Change]) -> None:
        self.flow, self.changes = flow, changes
        self.granted = False
        self.error: Exception | None = None


class Recorder:
    """Keeps MiniStack's services in a journal. One per server process; usable from any thread."""

    def __init__(self, journal: Journal, reserve: Reserve) -> None:
        self.known = Known()
        self._journal, self._reserve = journal, reserve
        self._lock = threading.RLock()
        self._wishes: list[_Wish] = []
        self._wishes_lock = threading.Lock()
        self._services: dict[str, Service] = {}
        self._of_store: dict[int, Service] = {}
        self._modules = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._rounds, name="journal", daemon=True)

    def start(self) -> None:
        """Begin to look for what nobody announces."""
        self._journal.along = self.keep
        self._thread.start()

    def stop(self) -> None:
        """Write everything that has changed, and look no more."""
        self._ending.set()
        self._thread.join()
        self.keep_all(growing=False)

    def keep(self, changes: Sequence[Change] = ()) -> None:
        """Write what this flow of control has changed, what was begun by those that are over, and the caller's rows.

        Raises NoSpaceLeft where the disk is full; it is written later then.
        """
        wish = _Wish(touched.noting(), changes)
        with self._wishes_lock:
            self._wishes.append(wish)
        with self._lock:
            if not wish.granted:
                self._grant()
        if wish.error is not None:
            raise wish.error

    def _grant(self) -> None:
        """Write for everybody who waits, in one transaction: a commit costs more than what is in it."""
        with self._wishes_lock:
            wishes, self._wishes = self._wishes, []
        error = None
        try:
            self._write([each.flow for each in wishes if each.flow], [row for each in wishes for row in each.changes])
        except Exception as caught:
            error = caught
        for wish in wishes:
            wish.granted, wish.error = True, error

    def keep_all(self, *, growing: bool) -> None:
        """Write what has changed, wherever it is; of services whose entries grow only what was noted, unless asked."""
        with self._lock:
            draft = Draft(self.known)
            self._find_services()
            for service in self._services.values():
                for place in service.places.values():
                    if place.kind not in NOT_KEPT and (growing or not place.growing):
                        place.write_all(draft)
                service.write_others(draft)
            self._draw_up(touched.NOBODY.marks(), draft)
            self._commit(draft)

    def _write(self, flows: Sequence[Touched], changes: Sequence[Change] = ()) -> None:
        draft, began = Draft(self.known), time.monotonic()
        marks = {mark for flow in flows for mark in flow.marks()} | set(touched.NOBODY.fresh())
        self._draw_up(marks, draft)
        draft.transaction.entries.extend(changes)
        try:
            self._commit(draft)
        except OSError:
            for flow in flows:
                touched.NOBODY.take_over(flow)
            raise
        for flow in (*flows, touched.NOBODY):
            flow.were_written(began)

    def _draw_up(self, marks: Iterable[Mark], draft: Draft) -> None:
        services: dict[str, Service] = {}
        for store, key, part in marks:
            service = self._service_of(store)
            if service is None:
                continue
            services[service.name] = service
            place = service.places.get(id(store))
            if place is not None and place.kind not in NOT_KEPT:
                place.write(key, part, draft=draft)
        for service in services.values():
            service.write_others(draft)

    def _commit(self, draft: Draft) -> None:
        grown = sequence.growing.take()
        try:
            counts = [(each, self._append(each, draft)) for each in grown]
            if draft.transaction:
                self._reserve.spend(lambda: self._journal.commit(draft.transaction))
        except BaseException:
            for each in grown:
                sequence.growing.add(each)
            raise
        draft.written()
        for each, count in counts:
            each.were_written(count)

    @staticmethod
    def _append(grown: Kept, draft: Draft) -> int:
        number, items = grown.waiting()
        rows = ((grown.owner, number + index, text_of(item)) for index, item in enumerate(items))
        draft.transaction.appended.extend(rows)
        return len(items)

    def _service_of(self, store: Any) -> Service | None:
        service = self._of_store.get(id(store))
        if service is None and self._modules != len(sys.modules):
            self._find_services()
            service = self._of_store.get(id(store))
        return service

    def _find_services(self) -> None:
        self._modules = len(sys.modules)
        for name, get_state in app._build_persistence_save_dict().items():
            module = sys.modules.get(getattr(get_state, "__module__", ""))
            if name not in self._services and module is not None and hasattr(module, "load_persisted_state"):
                service = self._services[name] = Service(name, module)
                self._of_store.update(dict.fromkeys(service.stores, service))

    def _rounds(self) -> None:
        touched.begin(None)
        while not self._ending.wait(ROUND_SECONDS):
            try:
                self._reserve.restore()
                with self._lock:
                    self._write([touched.NOBODY])
            except Exception as error:
                # The next round tries again: this thread must outlive a full disk.
                logger.debug("What changed meanwhile could not be written: %s", error)
