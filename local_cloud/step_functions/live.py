"""Executions that are running in this server process right now, and how to interrupt them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import Any


class Interrupted(BaseException):
    """The execution was stopped: unwind without writing anything more. Not an Exception, so nothing catches it."""


class ExecutionTimedOut(BaseException):
    """The execution's own TimeoutSeconds has passed. Not an Exception: no Retry and no Catch applies to it."""


class TaskTimedOut(Exception):
    """The work did not end within the task's TimeoutSeconds."""


class LiveExecution:
    """One running execution: its stop signal, its deadline and the tasks that must hear of both."""

    def __init__(self, timeout_seconds: float | None) -> None:
        self.ended = threading.Event()
        self._stopped: Future[None] = Future()
        self._deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._tasks: set[threading.Event] = set()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Interrupt the execution and tell its running tasks."""
        with self._lock:
            if not self._stopped.done():
                self._stopped.set_result(None)
        self._tell_tasks()

    def check(self) -> None:
        """Raise when the execution was stopped or its time is up."""
        if self._stopped.done():
            raise Interrupted
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._tell_tasks()
            raise ExecutionTimedOut

    @property
    def interrupted(self) -> bool:
        """Whether the execution was stopped or its time is up."""
        return self._stopped.done() or (self._deadline is not None and time.monotonic() >= self._deadline)

    def sleep(self, seconds: float) -> None:
        """Wait, unless interrupted before."""
        self._wait_for(set(), seconds)

    def result_of(self, work: Future[Any], *, seconds: float | None, stop: threading.Event) -> Any:
        """Wait for a task's result; TaskTimedOut after `seconds`. `stop` is set when nobody waits any longer."""
        try:
            if not self._wait_for({work}, seconds):
                raise TaskTimedOut
        except BaseException:
            stop.set()
            raise
        return work.result()

    @contextmanager
    def task(self) -> Iterator[threading.Event]:
        """The stop signal of one task, registered for as long as the task is waited for."""
        stop = threading.Event()
        with self._lock:
            self._tasks.add(stop)
        try:
            yield stop
        finally:
            with self._lock:
                self._tasks.discard(stop)

    def _wait_for(self, work: set[Future[Any]], seconds: float | None) -> bool:
        until = None if seconds is None else time.monotonic() + seconds
        limits = [limit for limit in (until, self._deadline) if limit is not None]
        self.check()
        timeout = max(0.0, min(limits) - time.monotonic()) if limits else None
        done, _ = wait({*work, self._stopped}, timeout=timeout, return_when=FIRST_COMPLETED)
        if done & work:
            return True
        self.check()
        return False

    def _tell_tasks(self) -> None:
        with self._lock:
            for task in self._tasks:
                task.set()


_live: dict[str, LiveExecution] = {}


def begin(arn: str, timeout_seconds: float | None) -> LiveExecution:
    """Register a running execution."""
    _live[arn] = LiveExecution(timeout_seconds)
    return _live[arn]


def end(arn: str, execution: LiveExecution) -> None:
    """Forget an execution that no longer runs."""
    if _live.get(arn) is execution:
        del _live[arn]
    execution.ended.set()


def find(arn: str) -> LiveExecution | None:
    """The running execution of that ARN, if any."""
    return _live.get(arn)


def stop_all() -> None:
    """Interrupt everything that runs: the server is about to end."""
    for execution in list(_live.values()):
        execution.stop()
