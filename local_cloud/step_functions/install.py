"""Replaces MiniStack's runner of executions by the local cloud's; called once, when the server starts."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions

from local_cloud.journal import executions
from local_cloud.journal.started_by import started_by
from local_cloud.step_functions import (
    branches,
    cloudformation,
    interpreter,
    interruptions,
    live,
    nested,
    redrive,
    status,
    versions,
)
from local_cloud.step_functions.history import Record, last_trail, logging_of


def install() -> None:
    """Replace MiniStack's runner by ours, and add the operations it does not know."""
    original = SimpleNamespace(**vars(stepfunctions))
    stepfunctions._run_execution = interpreter.run_execution
    stepfunctions._run_sub_machine = branches.branch_runner(interpreter.walk)
    stepfunctions._apply_state_assign = interpreter.assign
    stepfunctions._scaled_sleep = interpreter.sleep
    stepfunctions._emit_execution_status_event = status.emit
    stepfunctions._invoke_nested_start_execution = nested.start
    stepfunctions._invoke_nested_start_execution_sync = nested.start_and_wait
    stepfunctions._stop_execution = stop_execution
    stepfunctions._start_execution = lambda data: start_execution(data, original._start_execution)
    stepfunctions._describe_execution = lambda data: redrive.described(original._describe_execution(data))
    stepfunctions._list_executions = lambda data: redrive.listed(
        versions.list_executions(data, original._list_executions)
    )
    stepfunctions._delete_state_machine = lambda data: versions.delete_machine(data, original._delete_state_machine)
    stepfunctions._describe_state_machine = lambda data: describe_machine(data, original._describe_state_machine)
    stepfunctions._describe_state_machine_for_execution = lambda data: describe_machine_of(
        data, original._describe_state_machine_for_execution
    )
    stepfunctions.handle_request = _with_redrive(original.handle_request)
    stepfunctions.load_persisted_state = restore
    iam_actions.extract_resource_arn = versions.authorized_on(iam_actions.extract_resource_arn)
    cloudformation.install()


def shutdown() -> None:
    """Interrupt what runs; the executions can be redriven after the next start."""
    live.stop_all()


def describe_machine(data: Record, original: Any) -> redrive.Response:
    """DescribeStateMachine, with a logging configuration that clients can read whatever created the machine."""
    logging_of(stepfunctions._state_machines.get(data.get("stateMachineArn", "")) or {})
    described: redrive.Response = original(data)
    return described


def describe_machine_of(data: Record, original: Any) -> redrive.Response:
    """DescribeStateMachineForExecution, with the definition the execution began with."""
    described: redrive.Response = original(data)
    execution = stepfunctions._executions.get(data.get("executionArn", "")) or {}
    definition = executions.definition_of(execution)
    if described[0] != 200 or definition is None:
        return described
    answer = json.loads(described[2]) | {"definition": definition, "roleArn": execution["roleArn"]}
    response: redrive.Response = json_response(answer)
    return response


def start_execution(data: Record, original: Any) -> redrive.Response:
    """StartExecution; repeated with the name and input of an execution that still runs, it answers as the first did."""
    asked = str(data.get("stateMachineArn", ""))
    machine = stepfunctions._resolve_state_machine_arn(asked)
    if machine is not None and data.get("name"):
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{data['name']}"
        running = stepfunctions._executions.get(arn)
        if running and running["status"] == "RUNNING" and running["input"] == data.get("input", "{}"):
            answer = {"executionArn": arn, "startDate": running["startDate"]}
            response: redrive.Response = json_response(answer)
            return response
    with started_by(asked):
        started: redrive.Response = original(data)
    return started


def stop_execution(data: Record) -> redrive.Response:
    """StopExecution: end the execution at once and tell its running job to stop."""
    arn = data.get("executionArn", "")
    execution = stepfunctions._executions.get(arn)
    if execution is None:
        missing: redrive.Response = error_response_json(
            "ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400
        )
        return missing
    if execution["status"] == "RUNNING":
        reason = {name: data[name] for name in ("error", "cause") if data.get(name)}
        execution.update(status="ABORTED", stopDate=now_iso(), **reason)
        running = live.find(arn)
        if running is not None:
            running.stop()
        last_trail(execution).record("ExecutionAborted", **reason)
        status.emit(execution)
    response: redrive.Response = json_response({"stopDate": execution["stopDate"]})
    return response


def restore(data: Record | None) -> None:
    """Load the persisted executions; those that ran when the process ended have failed and can be redriven."""
    if not data:
        return
    interrupted = [record for record in data.get("executions", {})._data.values() if record["status"] == "RUNNING"]
    stepfunctions._restore_state(data)
    for record in interrupted:
        interruptions.interrupted(record)


def _with_redrive(original: Any) -> Any:
    async def handle_request(  # noqa: PLR0917 - MiniStack's signature
        method: str, path: str, headers: Record, body: bytes, query: Record
    ) -> Any:
        if headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return stepfunctions._finalize_response(redrive.redrive_execution(json.loads(body)))
        return await original(method, path, headers, body, query)

    return handle_request
