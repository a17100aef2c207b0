"""Writes down, in an execution that is being made, which version of its machine it was started by; in the server.

MiniStack begins an execution on another thread as soon as it is made: what it runs must be known by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack.services import stepfunctions

VERSION, ALIAS = "stateMachineVersionArn", "stateMachineAliasArn"
# What StartExecution was asked for by the call that this thread is answering.
_asked: ContextVar[str] = ContextVar("trainyard_asked_for_machine", default="")


@contextmanager
def started_by(arn: str) -> Iterator[None]:
    """While an execution is being made: the ARN of the machine, version or alias that it is started by."""
    token = _asked.set(arn)
    try:
        yield
    finally:
        _asked.reset(token)


def note(execution: dict[str, Any]) -> None:
    """Note version and alias in an execution that has no history yet; a machine itself is neither."""
    arn = _asked.get()
    version = stepfunctions._execution_version_arn(arn)
    if version is None or len(execution["events"]) != 1:
        return
    found = {VERSION: version, **({ALIAS: arn} if arn != version else {})}
    execution.update(found)
    execution["events"][0]["executionStartedEventDetails"].update(found)
