"""Keeps some of the requests with their answers, written by a thread of its own; runs in the service.

A request only puts what it has at hand into a queue. The queue is bounded, for a service must not fail for want of
memory because S3 is slow: what finds no room is not kept, and counted. No line of the log quotes what is kept.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any

from trainyard.run.watch.capture import CapturePlan, partition, plain
from trainyard.serving.exchange import Exchange
from trainyard.serving.inference_id import SMOKE_TEST

MIB = 1024 * 1024
# Of requests and answers as they were sent; as objects they take several times as much.
MOST_BYTES, MOST_REQUESTS = 8 * MIB, 10_000
# So much is written before its time has come.
FULL_BYTES, FULL_REQUESTS = 2 * MIB, 2_000
# What SIGTERM leaves after calls in progress have been answered.
CLOSE_S = 4.5

Put = Callable[[str, bytes], None]
Encode = Callable[[Sequence[Exchange]], bytes]


class Capture:
    """Keeps a share of the requests to a model; `put` writes what `encode` makes of some below the URI of the plan."""

    def __init__(self, plan: CapturePlan, *, encode: Encode, put: Put) -> None:
        self._plan, self._encode, self._put = plan, encode, put
        self._waiting: deque[Exchange] = deque()
        self._bytes = 0
        self._lock, self._wake, self._closing = threading.Lock(), threading.Event(), threading.Event()
        # What only the other threads count is there from the beginning: nobody may add a name while it is read.
        self._counts = Counter(kept=0, dropped=0)
        self._told = 0
        self._thread = threading.Thread(target=self._work, name="capture", daemon=True)
        self._thread.start()

    def keep(  # noqa: PLR0917 - called for every request: names would cost as much as the rest
        self, inference_id: str, route: str, rows: Sequence[Any], answers: Sequence[Any], size: int, started: float
    ) -> str:
        """Keep a request, if chance wants it; returns what it is called, empty where it is not kept.

        `size` is that of both bodies in bytes, `started` is when the request came by `time.perf_counter`.
        """
        if random.random() >= self._plan.share or inference_id == SMOKE_TEST:
            return ""
        latency, event = time.perf_counter() - started, uuid.uuid4().hex
        name = inference_id or event
        found = Exchange(event, name, time.time() - latency, latency, route, rows, answers, size)
        return name if self._queued(found) else ""

    def close(self) -> None:
        """Write what waits, as long as a service that was told to stop may take for it; once, however often called."""
        # The first process of a container outlives the signal that is raised anew, and comes here twice.
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            print(f"Requests captured: not all were written within {CLOSE_S} s of the end; these are lost.", flush=True)

    def _queued(self, found: Exchange) -> bool:
        with self._lock:
            full = self._bytes + found.size > MOST_BYTES or len(self._waiting) >= MOST_REQUESTS
            if full:
                self._counts["dropped"] += 1
                return False
            self._waiting.append(found)
            self._bytes += found.size
            early = self._bytes > FULL_BYTES or len(self._waiting) >= FULL_REQUESTS
        if early:
            self._wake.set()
        return True

    def _work(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(self._plan.seconds)
            self._wake.clear()
            self._write()
            self._tell_losses()
        # It may have been told to close while it wrote, and more has come since.
        self._write()
        self._tell()

    def _write(self) -> None:
        """Write all that waits, a file for each hour that it came in."""
        with self._lock:
            waiting, self._waiting, self._bytes = list(self._waiting), deque(), 0
        for folder, exchanges in _by_hour(waiting):
            found = list(exchanges)
            try:
                self._put(f"{self._plan.uri}/{folder}/{_file_name(found[0].time)}", self._encode(found))
            except Exception as error:
                # Whatever it is, the service goes on; words of a library may quote what they are about.
                self._counts[f"not written ({type(error).__name__})"] += len(found)
            else:
                self._counts["kept"] += len(found)

    def _tell_losses(self) -> None:
        """Tell the log how many requests were lost, if any were since it was told last."""
        lost = self._counts.total() - self._counts["kept"]
        if lost > self._told:
            self._told = lost
            self._tell()

    def _tell(self) -> None:
        told = ", ".join(f"{count:,} {name}" for name, count in self._counts.items())
        print(f"Requests captured: {told}.", flush=True)


@contextmanager
def capturing(plan: CapturePlan | None, *, run_id: str) -> Iterator[Capture | None]:
    """A capture by a plan, into S3, which is closed at the end; None without a plan."""
    if plan is None:
        yield None
        return
    # Both take a moment to load, and services that keep nothing do without them.
    from trainyard.serving.captured_files import encoded, writer

    never_kept = frozenset(plain(each) for each in plan.never_kept)
    found = Capture(plan, encode=partial(encoded, run_id=run_id, never_kept=never_kept), put=writer())
    try:
        yield found
    finally:
        found.close()


def _by_hour(exchanges: Sequence[Exchange]) -> Iterator[tuple[str, Iterator[Exchange]]]:
    def hour(exchange: Exchange) -> str:
        return partition(datetime.fromtimestamp(exchange.time, UTC))

    return groupby(sorted(exchanges, key=lambda each: each.time), key=hour)


def _file_name(began: float) -> str:
    """No two services write the same name, and names sort by time."""
    return f"{datetime.fromtimestamp(began, UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex}.parquet"
