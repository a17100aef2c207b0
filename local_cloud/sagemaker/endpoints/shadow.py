"""Copies of an endpoint's calls for the variant in its shadow, whose answers nobody gets; runs in the server."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from ministack.core.responses import get_account_id, get_region, request_scope

from local_cloud.sagemaker.endpoints.client import TimedOut, TooLarge, Unreachable
from local_cloud.sagemaker.endpoints.metrics import CallMetrics
from local_cloud.sagemaker.endpoints.server import ModelServer

logger = logging.getLogger("trainyard.sagemaker")

# Copies that the shadow is asked at a time, and those that may be there in all, by number and size: a shadow that is
# slower than its copies come must not fill the memory of the server.
THREADS, MOST_COPIES, MOST_BYTES = 16, 256, 64 * 1024 * 1024
# For copies in progress when the fleet ends; nobody waits for their answers.
CLOSE_SECONDS = 2.0
# Between two lines about dropped copies.
TOLD_SECONDS = 60.0


class Shadow:
    """A server that gets copies of a share of the calls of another one, in threads of its own.

    What it answers is counted among the endpoint's metrics and forgotten. Copies that it is too slow for are dropped.
    """

    def __init__(self, endpoint: str, server: ModelServer, *, share: float, metrics: CallMetrics) -> None:
        self.server = server
        self._endpoint = endpoint
        self._share = share
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"shadow-{endpoint}")
        self._copies = self._bytes = self._dropped = 0
        self._told = float("-inf")
        self._changed = threading.Condition()
        self._closing = False

    def copy(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Hand over a copy of a call, as often as the share says; returns at once and never raises."""
        # Which calls are copied is chance in AWS as well; no result of ours depends on it.
        if random.random() >= self._share or not self._admitted(len(body)):
            return
        try:
            # Metrics are those of the account and region of the call.
            self._threads.submit(self._send, body, headers, scope=(get_account_id(), get_region()))
        except RuntimeError:
            # The fleet has ended, or the machine has no thread left.
            self._over(len(body), dropped=True)

    def close(self) -> None:
        """Drop the copies that wait, leave those in progress some seconds, end the container."""
        self._closing = True
        self._threads.shutdown(wait=False)
        with self._changed:
            self._changed.wait_for(lambda: self._copies == 0, timeout=CLOSE_SECONDS)
        self.server.close()
        if self._dropped:
            self._tell("until its end")

    def _admitted(self, size: int) -> bool:
        with self._changed:
            if self._copies < MOST_COPIES and self._bytes + size <= MOST_BYTES:
                self._copies += 1
                self._bytes += size
                return True
            self._drop()
            return False

    def _over(self, size: int, *, dropped: bool) -> None:
        with self._changed:
            self._copies -= 1
            self._bytes -= size
            if dropped:
                self._drop()
            self._changed.notify_all()

    def _drop(self) -> None:
        self._dropped += 1
        if not self._ending and time.monotonic() >= self._told + TOLD_SECONDS:
            self._tell("so far: it is slower than they come")

    def _tell(self, when: str) -> None:
        self._told = time.monotonic()
        variant = self.server.variant.name
        logger.warning(
            "%s: shadow variant %s dropped %d copies of calls %s", self._endpoint, variant, self._dropped, when
        )

    def _send(self, body: bytes, headers: Mapping[str, str], *, scope: tuple[str, str]) -> None:
        answered = False
        try:
            answered = not self._ending and self._asked(body, headers, scope=scope)
        except Exception:
            logger.exception("The shadow of endpoint %s met a defect of the local cloud", self._endpoint)
        finally:
            self._over(len(body), dropped=not answered)

    @property
    def _ending(self) -> bool:
        return self._closing or self.server.stopped

    def _asked(self, body: bytes, headers: Mapping[str, str], *, scope: tuple[str, str]) -> bool:
        """Ask the container; False when it was ended before it answered."""
        status, started = 500, time.perf_counter()
        try:
            status = self.server.client.invoke(body, headers).status
        except (TimedOut, TooLarge, Unreachable):
            # What gives no answer counts as a fault of the model, unless it was not let.
            if self.server.stopped:
                return False
        with request_scope(*scope):
            seconds = time.perf_counter() - started
            self._metrics.note(self._endpoint, self.server.variant, status=status, seconds=seconds)
        return True
