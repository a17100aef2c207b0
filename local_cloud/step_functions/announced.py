"""Remembers which status of each execution was announced last, so that none is left out by a crash; in the server."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

from ministack.services import stepfunctions

from local_cloud import journal
from local_cloud.step_functions.history import Record

KIND = "announced"
AGAIN_SECONDS = 5.0


def remember(execution: Record) -> None:
    """The status that the execution has now is on its way to whoever wants to hear of it."""
    journal.current().write([(KIND, execution["executionArn"], _status(execution))])


def postpone(announce: Callable[[], None]) -> None:
    """Announce later what cannot be announced now, such as while the disk is full."""
    context = contextvars.copy_context()
    timer = threading.Timer(AGAIN_SECONDS, context.run, args=(announce,))
    timer.daemon = True
    timer.start()


def left_out() -> list[Record]:
    """Executions that ended in a status which nobody was told; executions of older state folders count as told."""
    known = dict(journal.current().read(KIND))
    return [
        each
        for each in _executions()
        if each["status"] != "RUNNING" and known.get(each["executionArn"], _status(each)) != _status(each)
    ]


def forget_deleted() -> None:
    """Let go of executions that were deleted with their machine."""
    known = {each["executionArn"] for each in _executions()}
    gone = [arn for arn, _ in journal.current().read(KIND) if arn not in known]
    journal.current().write([(KIND, arn, None) for arn in gone])


def _executions() -> list[Record]:
    # Not by asking the store, which would take every execution for one that may have been changed.
    return list(stepfunctions._executions._data.values())


def _status(execution: Record) -> str:
    return f"{execution['status']}/{execution.get('redriveCount', 0)}"
