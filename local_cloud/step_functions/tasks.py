"""Runs one Task state: permissions, the call on its own thread, time limits, and its events."""

from __future__ import annotations

import contextvars
import json
import logging
import threading
from concurrent.futures import Future
from typing import Any

from ministack.core.responses import get_region, new_uuid
from ministack.services import stepfunctions

from local_cloud.step_functions import authorization, cancellation, s3_objects, sns_messages
from local_cloud.step_functions.frame import Frame, State
from local_cloud.step_functions.live import TaskTimedOut
from local_cloud.step_functions.payload import require_within_limit
from local_cloud.step_functions.retrying import Outcome, with_retry_and_catch
from local_cloud.step_functions.status import execution_error

logger = logging.getLogger("local_cloud.step_functions")

CALLBACK = ".waitForTaskToken"


def execute(state: State, data: Any, *, frame: Frame) -> Outcome:
    """Run a Task state; returns its output and the name of the next state."""
    return with_retry_and_catch(state, data, frame=frame, attempt=lambda: _attempt(state, data, frame=frame))


def _attempt(state: State, data: Any, *, frame: Frame) -> Outcome:
    resource = state["Resource"]
    if resource.endswith(CALLBACK):
        frame.context["Task"] = {"Token": new_uuid()}
    jsonata = stepfunctions._state_query_language(state, frame.context) == "JSONata"
    arguments = _arguments(state, data, context=frame.context, jsonata=jsonata)
    limit = _time_limit(state, data, context=frame.context)
    result = _call(resource, arguments, limit=limit, frame=frame)
    if not jsonata:
        selected = stepfunctions._apply_result_selector(state, result)
        output = stepfunctions._apply_result_path(state, data, selected)
        output = stepfunctions._apply_output_path(state, output, frame.context)
    else:
        output = stepfunctions._apply_jsonata_output(state, data, frame.context, result=result, default=result)
        stepfunctions._apply_state_assign(state, data, frame.context, result=result)
    return output, stepfunctions._next_or_end(state)


def _arguments(state: State, data: Any, *, context: dict[str, Any], jsonata: bool) -> Any:
    if jsonata:
        return stepfunctions._apply_jsonata_arguments(state, data, context)
    return stepfunctions._apply_parameters(state, stepfunctions._apply_input_path(state, data, context), context)


def _time_limit(state: State, data: Any, *, context: dict[str, Any]) -> float | None:
    """The task's TimeoutSeconds, which may be a number, a JSONata expression or a path."""
    if "TimeoutSecondsPath" in state:
        return float(stepfunctions._resolve_path_or_ctx(state["TimeoutSecondsPath"], data, context))
    if "TimeoutSeconds" not in state:
        return None
    if isinstance(state["TimeoutSeconds"], str):
        return float(stepfunctions._jsonata_state_field(state, "TimeoutSeconds", "number", data, context))
    return float(state["TimeoutSeconds"])


def _call(resource: str, arguments: Any, *, limit: float | None, frame: Frame) -> Any:
    """Make the call the task describes and record how it went."""
    names = dict(zip(("resourceType", "resource"), split_resource(resource), strict=True))
    trail = frame.trail
    timing = {} if limit is None else {"timeoutInSeconds": int(limit)}
    trail.record("TaskScheduled", **names, region=get_region(), parameters=json.dumps(arguments), **timing)
    try:
        authorization.check(frame.execution, resource, arguments=arguments)
        trail.record("TaskStarted", **names)
        result = _on_own_thread(resource, arguments, limit=limit, frame=frame, names=names)
        text = require_within_limit(result, f"The task '{resource}' returned a result")
    except TaskTimedOut:
        trail.record("TaskTimedOut", **names, error="States.Timeout")
        raise execution_error("States.Timeout", f"The task ran longer than its {limit:g} seconds.") from None
    except stepfunctions._ExecutionError as error:
        trail.record("TaskFailed", **names, error=error.error, cause=error.cause)
        raise
    trail.record("TaskSucceeded", **names, output=text, outputDetails={"truncated": False})
    return result


def _on_own_thread(resource: str, arguments: Any, *, limit: float | None, frame: Frame, names: dict[str, str]) -> Any:
    """Wait for the call only as long as the task, the execution and whoever may stop it allow."""
    result: Future[Any] = Future()

    def submitted(response: Any) -> None:
        # Never an error here: the integration must live on to stop the job it has just created.
        if not frame.live.interrupted:
            output = json.dumps(response, default=str)
            frame.trail.record("TaskSubmitted", **names, output=output, outputDetails={"truncated": False})

    def work(stop: threading.Event) -> None:
        cancellation.bind(stop, submitted)
        try:
            result.set_result(_invoke(resource, arguments, context=frame.context))
        except stepfunctions._ExecutionError as error:
            result.set_exception(error)
        except BaseException as error:
            # Whatever it was, somebody waits for an answer.
            logger.exception("The integration %s met an unexpected error", resource)
            result.set_exception(execution_error("States.Runtime", f"{type(error).__name__}: {error}"))

    with frame.live.task() as stop:
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work, stop), name=f"task {resource}", daemon=True).start()
        return frame.live.result_of(result, seconds=limit, stop=stop)


def _invoke(resource: str, arguments: Any, *, context: dict[str, Any]) -> Any:
    if resource.endswith(CALLBACK):
        # The time limit is kept by the waiting side, as for every other task.
        return stepfunctions._invoke_with_callback(resource, arguments, context["Task"]["Token"], {})
    if resource in s3_objects.INTEGRATIONS:
        return s3_objects.INTEGRATIONS[resource](arguments)
    if resource == sns_messages.PUBLISH:
        return sns_messages.publish(arguments)
    return stepfunctions._invoke_resource(resource, arguments)


def split_resource(resource: str) -> tuple[str, str]:
    """Type and name of a task's resource as the history has them.

    >>> split_resource("arn:aws:states:::aws-sdk:s3:getObject")
    ('aws-sdk:s3', 'getObject')
    >>> split_resource("arn:aws:states:::glue:startJobRun.sync")
    ('glue', 'startJobRun.sync')
    """
    parts = resource.split(":")
    if parts[:3] != ["arn", "aws", "states"] or len(parts) < 7 or parts[5] == "activity":
        return ("lambda" if ":function:" in resource else "activity"), resource
    integration = parts[5:]
    service_parts = 2 if integration[0] == "aws-sdk" else 1
    return ":".join(integration[:service_parts]), ":".join(integration[service_parts:])
