"""Sends a job's output lines to CloudWatch Logs with the job role's rights, twice a second; runs in the server."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.journal.space import CODE as REFUSED_CODE

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
else:
    CloudWatchLogsClient = Any

FLUSH_SECONDS = 0.5
# Limits of PutLogEvents: 10,000 events and 1 MiB, each event counting 26 bytes more than its text.
MAX_EVENTS = 10_000
MAX_BYTES = 1_000_000
EVENT_OVERHEAD = 26

logger = logging.getLogger("trainyard.jobs")


class LogStream:
    """One log stream that lines can be added to from any thread.

    As in AWS, a role without the rights for it makes a job without logs, not a failed job: the reason is in the
    server's own log.
    """

    def __init__(self, client: CloudWatchLogsClient, *, group: str, stream: str) -> None:
        self._client = client
        self._group = group
        self._stream = stream
        self._lines: list[tuple[int, str]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        # Whether lines had to be kept for later.
        self._refused = False
        self._usable = self._attempt(self._open)
        self._thread = threading.Thread(target=self._flush_forever, name=f"logs-{stream}", daemon=True)
        self._thread.start()

    def add(self, text: str) -> None:
        """Queue a line; CloudWatch takes no empty events, so blank lines are dropped."""
        if text.strip():
            with self._lock:
                self._lines.append((int(time.time() * 1000), text))

    def close(self) -> None:
        """Send what is left."""
        self._closing.set()
        self._thread.join()

    def _open(self) -> None:
        with suppress(self._client.exceptions.ResourceAlreadyExistsException):
            try:
                self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
            except self._client.exceptions.ResourceNotFoundException:
                with suppress(self._client.exceptions.ResourceAlreadyExistsException):
                    self._client.create_log_group(logGroupName=self._group)
                self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)

    def _flush_forever(self) -> None:
        while not self._closing.wait(FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        self._refused = False
        for batch in batches(lines):
            if self._usable and not self._refused:
                self._usable = self._attempt(lambda events=batch: self._put(events))
            if self._refused:
                with self._lock:
                    self._lines[:0] = batch

    def _put(self, batch: list[tuple[int, str]]) -> None:
        self._client.put_log_events(
            logGroupName=self._group,
            logStreamName=self._stream,
            logEvents=[{"timestamp": at, "message": text} for at, text in batch],
        )

    def _attempt(self, action: Any) -> bool:
        try:
            action()
        except ClientError as error:
            # A full disk passes: the lines wait.
            self._refused = error.response["Error"]["Code"] == REFUSED_CODE
            if not self._refused:
                logger.warning("No logs in %s %s: %s", self._group, self._stream, error)
            return self._refused
        except BotoCoreError as error:
            logger.warning("No logs in %s %s: %s", self._group, self._stream, error)
            return False
        return True


def batches(lines: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    """Split lines into lists that PutLogEvents accepts, keeping their order."""
    result: list[list[tuple[int, str]]] = []
    size = 0
    for line in lines:
        weight = len(line[1].encode()) + EVENT_OVERHEAD
        if not result or size + weight > MAX_BYTES or len(result[-1]) >= MAX_EVENTS:
            result.append([])
            size = 0
        result[-1].append(line)
        size += weight
    return result
