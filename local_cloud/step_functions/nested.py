"""The `states:startExecution.sync` integration: a child execution that is waited for, and stopped with its parent."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions

from local_cloud.step_functions.cancellation import report_submitted, stop_requested
from local_cloud.step_functions.status import execution_error

_POLL_SECONDS = 0.05


def start_and_wait(resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Start a child, wait for its end and return its description; stands in for MiniStack's function.

    With `.sync:2` the child's output is JSON, with `.sync` the text of it. A child that did not succeed fails the task
    with States.TaskFailed and its description as the cause.
    """
    answer = start(resource, arguments)
    arn = answer["ExecutionArn"]
    report_submitted(answer)
    stop = stop_requested()
    while stepfunctions._executions[arn]["status"] == "RUNNING":
        if stop.wait(_POLL_SECONDS):
            stepfunctions._stop_execution({"executionArn": arn, "cause": "The parent execution was stopped."})
    description = _described(arn)
    if description["Status"] != "SUCCEEDED":
        raise execution_error("States.TaskFailed", json.dumps(description))
    if resource.endswith(".sync:2"):
        description["Output"] = json.loads(description["Output"])
    return description


def start(resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Start a child without waiting; stands in for MiniStack's function."""
    del resource
    code, _, body = stepfunctions._start_execution(stepfunctions._nested_start_execution_request(arguments))
    answer = json.loads(body)
    if code != 200:
        name = str(answer.get("__type", "AWSStepFunctionsException")).rpartition("#")[2].removesuffix("Exception")
        raise execution_error(f"StepFunctions.{name}Exception", answer.get("message", ""))
    return {"ExecutionArn": answer["executionArn"], "StartDate": answer["startDate"]}


def _described(arn: str) -> dict[str, Any]:
    _, _, body = stepfunctions._describe_execution({"executionArn": arn})
    return {name[0].upper() + name[1:]: value for name, value in json.loads(body).items()}
