"""RedriveExecution and what DescribeExecution and ListExecutions tell about it; runs in the local cloud's server."""

from __future__ import annotations

import contextvars
import json
import threading
from typing import Any

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions

from local_cloud.step_functions import interpreter, live, status, versions
from local_cloud.step_functions.history import Record, last_trail

Response = tuple[int, dict[str, str], bytes]

# How long a stopped execution's thread may need to notice before a redrive takes over.
_UNWIND_SECONDS = 5.0


def redrive_execution(data: Record) -> Response:
    """Start a failed, stopped or timed out execution again at the state where it ended.

    A repeated call with the same clientToken answers as the first one did.
    """
    arn = data.get("executionArn", "")
    execution = stepfunctions._executions.get(arn)
    if execution is None:
        return _error("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    token = data.get("clientToken")
    if token is not None and execution.get("redriveToken") == token:
        return _answer({"redriveDate": execution["redriveDate"]})
    redrivable, reason = status.redrive_status(execution)
    if redrivable != "REDRIVABLE":
        return _error("ExecutionNotRedrivable", f"{reason}: {arn}")
    previous = live.find(arn)
    if previous is not None:
        previous.ended.wait(_UNWIND_SECONDS)
    _begin_again(execution, token)
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(interpreter.run_execution, arn), daemon=True).start()
    return _answer({"redriveDate": execution["redriveDate"]})


def _begin_again(execution: Record, token: str | None) -> None:
    execution.update(
        status="RUNNING",
        stopDate=None,
        error=None,
        cause=None,
        output=None,
        redriveCount=execution.get("redriveCount", 0) + 1,
        redriveDate=now_iso(),
        redriveToken=token,
    )
    last_trail(execution).record("ExecutionRedriven", redriveCount=execution["redriveCount"])
    status.emit(execution)


def described(response: Response) -> Response:
    """Add the redrive members and the version to DescribeExecution's answer."""
    code, _, body = response
    if code != 200:
        return response
    answer = json.loads(body)
    execution = stepfunctions._executions[answer["executionArn"]]
    redrivable, reason = status.redrive_status(execution)
    answer |= _redrives(execution) | {"redriveStatus": redrivable}
    if reason:
        answer["redriveStatusReason"] = reason
    return _answer({name: value for name, value in answer.items() if value is not None})


def listed(response: Response) -> Response:
    """Add the redrive members and the version to ListExecutions' answer."""
    code, _, body = response
    if code != 200:
        return response
    answer = json.loads(body)
    for item in answer["executions"]:
        item.update(_redrives(stepfunctions._executions[item["executionArn"]]))
    return _answer(answer)


def _redrives(execution: Record) -> dict[str, Any]:
    members: dict[str, Any] = {"redriveCount": execution.get("redriveCount", 0), **versions.names(execution)}
    if execution.get("redriveDate"):
        members["redriveDate"] = execution["redriveDate"]
    return members


def _answer(body: dict[str, Any]) -> Response:
    response: Response = json_response(body)
    return response


def _error(name: str, message: str) -> Response:
    response: Response = error_response_json(name, message, 400)
    return response
