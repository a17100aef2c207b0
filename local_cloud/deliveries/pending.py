"""The deliveries that are still to be made: each is a row of the journal until it has ended; in the server."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from local_cloud.deliveries.delivery import Delivery
from local_cloud.journal.store import Change, Journal

logger = logging.getLogger("local_cloud.deliveries")

KIND = "delivery"
# Each function that runs is a process of some 100 MB, and takes a core while it starts.
AT_ONCE = 8
UNEXPECTED_SECONDS = 5.0

# Makes a delivery; returns None when it has ended, else what remains to be done, and when.
Attempt = Callable[[Delivery], Delivery | None]
Work = Callable[[], None]


class Pending:
    """Deliveries by the time they are due. Begun once; `accept` is safe from any thread, also before that."""

    def __init__(self, journal: Callable[[], Journal], attempt: Attempt) -> None:
        self._journal = journal
        self._attempt = attempt
        self._due: list[tuple[float, int, Work]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._closing = False

    def begin(self) -> None:
        """Take up what an earlier server left, and make deliveries from now on."""
        for _, text in self._journal().read(KIND):
            self._wait(Delivery.parse(text))
        threading.Thread(target=self._run, name="deliveries", daemon=True).start()

    def close(self) -> None:
        """Make no more deliveries, and change nothing about those that are being made: the next server makes them."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def accept(self, delivery: Delivery, changes: Sequence[Change] = ()) -> None:
        """Keep a new delivery; when this returns, it will be made whatever happens to this process.

        `changes` are rows that are written together with it. What does not end in a function is delivered before this
        returns. Raises NoSpaceLeft when the journal cannot be written: the event was not accepted then.
        """
        self._journal().write([*changes, (KIND, delivery.key, delivery.text())])
        if delivery.to_function:
            self._wait(delivery)
        else:
            self._make(delivery)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            self._free.acquire()
            threading.Thread(target=self._freeing, args=(work,), name="delivery", daemon=True).start()

    def _next(self) -> Work | None:
        """Wait for the next work that is due; None at the end of the server."""
        with self._changed:
            while not self._closing:
                if self._due and self._due[0][0] <= time.time():
                    return heapq.heappop(self._due)[2]
                self._changed.wait(self._due[0][0] - time.time() if self._due else None)
            return None

    def _freeing(self, work: Work) -> None:
        try:
            work()
        finally:
            self._free.release()

    def _make(self, delivery: Delivery) -> None:
        try:
            left = self._attempt(delivery)
        except Exception:
            # Nothing may be lost by a defect, and nothing may end this thread for good.
            logger.exception("The delivery %s to %s is tried again", delivery.key, delivery.arn)
            left = delivery.later(UNEXPECTED_SECONDS)
        self._settle(delivery, left)

    def _settle(self, delivery: Delivery, left: Delivery | None) -> None:
        """Write down what remains of a delivery; where that fails, again later: what was delivered is not repeated."""
        with self._changed:
            # A function that fails while the server ends did not fail by itself.
            if self._closing:
                return
        try:
            self._journal().write([(KIND, delivery.key, None if left is None else left.text())])
        except Exception as error:
            logger.warning("The end of the delivery %s is written later: %s", delivery.key, error)
            self._at(time.time() + UNEXPECTED_SECONDS, partial(self._settle, delivery, left))
        else:
            if left is not None:
                self._wait(left)

    def _wait(self, delivery: Delivery) -> None:
        self._at(delivery.due, partial(self._make, delivery))

    def _at(self, due: float, work: Work) -> None:
        with self._changed:
            heapq.heappush(self._due, (due, next(self._numbers), work))
            self._changed.notify_all()
