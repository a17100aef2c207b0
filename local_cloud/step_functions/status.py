"""How an execution ends, and how that is announced: status, EventBridge event, redrive status; in the server."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import eventbridge, stepfunctions

from local_cloud.journal.started_by import ALIAS, VERSION
from local_cloud.step_functions import announced
from local_cloud.step_functions.history import Record, Trail

logger = logging.getLogger("local_cloud.step_functions")

REDRIVE_PERIOD = dt.timedelta(days=14)
_REDRIVABLE = ("FAILED", "ABORTED", "TIMED_OUT")
_EVENT_PAYLOAD_BYTES = 248 * 1024


def succeed(execution: Record, trail: Trail, *, output: Any) -> None:
    """End an execution well."""
    text = json.dumps(output)
    execution.update(status="SUCCEEDED", output=text, stopDate=now_iso())
    trail.record("ExecutionSucceeded", output=text)
    emit(execution)


def fail(execution: Record, trail: Trail, *, error: str, cause: str) -> None:
    """End an execution with an error that no state caught."""
    execution.update(status="FAILED", error=error, cause=cause, output=None, stopDate=now_iso())
    trail.record("ExecutionFailed", error=error, cause=cause)
    emit(execution)


def time_out(execution: Record, trail: Trail) -> None:
    """End an execution whose own TimeoutSeconds has passed."""
    cause = "The execution ran longer than the state machine's TimeoutSeconds."
    execution.update(status="TIMED_OUT", error="States.Timeout", cause=cause, output=None, stopDate=now_iso())
    trail.record("ExecutionTimedOut", error="States.Timeout", cause=cause)
    emit(execution)


def redrive_status(execution: Record) -> tuple[str, str]:
    """Whether an execution can be redriven, and, when it cannot, AWS's reason."""
    status = execution["status"]
    if status not in _REDRIVABLE:
        return "NOT_REDRIVABLE", f"Execution is {status} and cannot be redriven"
    if execution.get("stopDate") and dt.datetime.now(dt.UTC) - _moment(execution["stopDate"]) > REDRIVE_PERIOD:
        return "NOT_REDRIVABLE", "Execution redrivable period exceeded"
    return "REDRIVABLE", ""


def emit(execution: Record) -> None:
    """Publish the status change to the default event bus, unless the execution is an express one."""
    if execution.get("sync"):
        return
    entry = {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Detail": json.dumps(_event_detail(execution)),
        "Resources": [execution["executionArn"]],
    }
    try:
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        announced.remember(execution)
    except Exception:
        # A full disk must not change how the execution ended, and must not keep people from hearing of it.
        logger.exception("Status change of %s is published later", execution["executionArn"])
        announced.postpone(lambda: emit(execution))


def _event_detail(execution: Record) -> Record:
    status = execution["status"]
    redrivable, reason = redrive_status(execution)
    unsuccessful = status in _REDRIVABLE
    output = execution.get("output") if status == "SUCCEEDED" else None
    return {
        "executionArn": execution["executionArn"],
        "stateMachineArn": execution["stateMachineArn"],
        "name": execution["name"],
        "status": status,
        "startDate": _milliseconds(execution.get("startDate")),
        "stopDate": _milliseconds(execution.get("stopDate")),
        "input": _within_limit(execution.get("input")),
        "inputDetails": {"included": _within_limit(execution.get("input")) is not None},
        "output": _within_limit(output),
        "outputDetails": None if output is None else {"included": _within_limit(output) is not None},
        "stateMachineVersionArn": execution.get(VERSION),
        "stateMachineAliasArn": execution.get(ALIAS),
        "redriveCount": execution.get("redriveCount", 0),
        "redriveDate": _milliseconds(execution.get("redriveDate")),
        "redriveStatus": redrivable,
        "redriveStatusReason": reason or None,
        "error": execution.get("error") if unsuccessful else None,
        "cause": execution.get("cause") if unsuccessful else None,
    }


def _within_limit(text: str | None) -> str | None:
    return text if text is not None and len(text.encode()) <= _EVENT_PAYLOAD_BYTES else None


def _moment(timestamp: str) -> dt.datetime:
    return dt.datetime.fromisoformat(timestamp)


def _milliseconds(timestamp: str | None) -> int | None:
    return None if timestamp is None else int(_moment(timestamp).timestamp() * 1000)


def execution_error(error: str, cause: str) -> Exception:
    """The exception with which a task tells the interpreter its error name and cause."""
    failure: Exception = stepfunctions._ExecutionError(error, cause)
    return failure
