"""Tells a running task, on its own thread in the server, that nobody waits for it any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

_stop: ContextVar[threading.Event | None] = ContextVar("trainyard_stop", default=None)
_submitted: ContextVar[Callable[[Any], None] | None] = ContextVar("trainyard_submitted", default=None)


def stop_requested() -> threading.Event:
    """The event that is set when the current task's execution is stopped or its time is up.

    A `.sync` integration waits on it and then stops its job. Outside a task the event is never set.
    """
    return _stop.get() or threading.Event()


def report_submitted(response: Any) -> None:
    """Record the `TaskSubmitted` event of the current task: its job exists, and this is what creating it answered.

    `response` is JSON-like. Outside a task nothing happens.
    """
    report = _submitted.get()
    if report is not None:
        report(response)


def bind(stop: threading.Event, submitted: Callable[[Any], None]) -> None:
    """Make `stop` and `submitted` those of the current context: called at the start of a task's thread."""
    _stop.set(stop)
    _submitted.set(submitted)
