"""Remembers which status of each execution was announced last, so that none is left out by a crash; in the server."""

from __future__ import annotations

from collections.abc import Iterator

from ministack.services import stepfunctions

from local_cloud import journal
from local_cloud.step_functions.history import Record

KIND = "announced"


def remember(execution: Record) -> None:
    """The status that the execution has now is on its way to whoever wants to hear of it."""
    journal.current().write([(KIND, execution["executionArn"], _status(execution))])


def left_out() -> Iterator[Record]:
    """Executions that ended in a status which nobody was told; executions of older state folders count as told."""
    known = dict(journal.current().read(KIND))
    # Not by asking the store, which would take every execution for one that may have been changed.
    for execution in list(stepfunctions._executions._data.values()):
        told = known.pop(execution["executionArn"], None)
        if told is not None and told != _status(execution) and execution["status"] != "RUNNING":
            yield execution
    # What is left belongs to executions that no longer exist.
    journal.current().write([(KIND, arn, None) for arn in known])


def _status(execution: Record) -> str:
    return f"{execution['status']}/{execution.get('redriveCount', 0)}"
