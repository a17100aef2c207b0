"""Replaces MiniStack's job runs by real ones, and adds their Step Functions integration; runs in the server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from ministack.core.responses import error_response_json, json_response
from ministack.services import glue, stepfunctions
from ministack.services.cloudformation import provisioners

from local_cloud.glue.runs import GlueError, GlueRuns
from local_cloud.jobs import settings
from local_cloud.jobs.records import Record
from local_cloud.jobs.timestamps import in_milliseconds
from local_cloud.step_functions.cancellation import report_submitted, stop_requested

Response = tuple[int, dict[str, str], bytes]
POLL_SECONDS = 0.05
_state: dict[str, GlueRuns] = {}


def install() -> None:
    """Replace MiniStack's job runs by these and register the Step Functions integration. Called once, in the server."""
    runs = GlueRuns(settings.from_environment(os.environ))
    glue._start_job_run = _endpoint(runs.start)
    glue._get_job_run = _endpoint(runs.get)
    glue._get_job_runs = _endpoint(runs.list)
    glue._batch_stop_job_run = _endpoint(runs.stop)
    _keep_execution_property()
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::glue:startJobRun"] = lambda resource, request: integrate(
        runs, request, resource=resource
    )
    _state["runs"] = runs


def shutdown() -> None:
    """End every run's process; the records say that the server ended."""
    if "runs" in _state:
        _state["runs"].close()


def integrate(runs: GlueRuns, request: Record, *, resource: str) -> Record:
    """`glue:startJobRun` in a state machine; with .sync it waits and fails with States.TaskFailed as AWS does."""
    try:
        started = runs.start(request)
    except GlueError as error:
        cause = f"{error} (Service: AWSGlue; Status Code: 400; Error Code: {error.code})"
        raise stepfunctions._ExecutionError(f"Glue.{error.code}", cause) from error
    if not resource.endswith(".sync"):
        return started
    report_submitted(started)
    name, cancelled = started["JobRunId"], stop_requested()
    handle = runs.running.get(name)
    while handle is not None and not handle.done.wait(POLL_SECONDS):
        if cancelled.is_set():
            handle.stop.set()
    run = runs.get({"JobName": request["JobName"], "RunId": name})["JobRun"]
    shown: Record = in_milliseconds(run)
    if run["JobRunState"] != "SUCCEEDED":
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(shown))
    return shown


def _endpoint(operation: Callable[[Record], Record]) -> Callable[[Record], Response]:
    def answer(request: Record) -> Response:
        try:
            return json_response(operation(request))  # type: ignore[no-any-return]
        except GlueError as error:
            return error_response_json(error.code, str(error), 400)  # type: ignore[no-any-return]

    return answer


def _keep_execution_property() -> None:
    """MiniStack drops MaxConcurrentRuns from job definitions: keep it, from the API and from templates."""
    provisioners._GLUE_JOB_DEFAULTS["ExecutionProperty"] = {}
    create, update = glue._create_job, glue._update_job

    def create_job(request: Record) -> Response:
        response: Response = create(request)
        if response[0] == 200:
            glue._jobs[request["Name"]]["ExecutionProperty"] = request.get("ExecutionProperty", {})
        return response

    def update_job(request: Record) -> Response:
        response: Response = update(request)
        changed = request.get("JobUpdate", {})
        if response[0] == 200 and "ExecutionProperty" in changed:
            glue._jobs[request["JobName"]]["ExecutionProperty"] = changed["ExecutionProperty"]
        return response

    glue._create_job, glue._update_job = create_job, update_job
