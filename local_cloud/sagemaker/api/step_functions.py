"""Step Functions' integrations with SageMaker, waiting ones (.sync) too; runs in the server's execution threads."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from local_cloud.jobs.records import Record
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.timestamps import in_milliseconds
from local_cloud.sagemaker.api.context import Request
from local_cloud.sagemaker.api.dispatch import SageMaker
from local_cloud.sagemaker.api.errors import ServiceError
from local_cloud.sagemaker.api.kinds import Kind
from local_cloud.step_functions import permissions
from local_cloud.step_functions.cancellation import report_submitted, stop_requested
from local_cloud.step_functions.status import execution_error

PREFIX = "arn:aws:states:::sagemaker:"
POLL_SECONDS = 0.05
STARTED_BY = [{"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}]
MODELLED = {"ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound"}


def install(service: SageMaker) -> None:
    """Register the integrations of the table's operations with MiniStack's Step Functions, and what they need."""
    # MiniStack takes the first entry that a resource begins with: the longer names must come first.
    for operation in sorted(service.operations, key=len, reverse=True):
        if service.operations[operation].optimized:
            name = f"{operation[0].lower()}{operation[1:]}"
            stepfunctions._SERVICE_DISPATCH[f"{PREFIX}{name}"] = _integration(service, operation)
    stepfunctions._AWS_SDK_SERVICE_MAP["sagemaker"] = {"target_prefix": "SageMaker", "protocol": "json"}
    stepfunctions._AWS_SDK_ERROR_PREFIX["sagemaker"] = "SageMaker"
    modelled = {code: f"{code}Exception" for code in MODELLED}
    stepfunctions._AWS_SDK_ERROR_CODE_OVERRIDES["sagemaker"] = {**modelled, "ValidationException": "SageMakerException"}
    permissions.add("sagemaker", service.permissions.of_task)


def _integration(service: SageMaker, operation: str) -> Callable[[str, Request], Record]:
    row = service.operations[operation]

    def integrate(resource: str, request: Request) -> Record:
        if not resource.endswith(".sync"):
            return _call(service, operation, request=request)
        if not row.sync_rule:
            raise execution_error("States.Runtime", f"SageMaker's {operation} has no .sync integration: {resource}.")
        tagged = {**request, "Tags": [*request.get("Tags", ()), *STARTED_BY]}
        report_submitted(_call(service, operation, request=tagged))
        return _await(service, row.kind, name=request[row.kind.name_member])

    return integrate


def _await(service: SageMaker, kind: Kind, *, name: str) -> Record:
    """Wait for a job's end, stopping it when the execution is stopped; its description, or States.TaskFailed."""
    job, cancelled, identity = service.context.running[kind].get(name), stop_requested(), {kind.name_member: name}
    while job is not None and not job.done.wait(POLL_SECONDS):
        if cancelled.is_set():
            service.call(f"Stop{kind.prefix}", identity)
            _end(job)
    description: Record = in_milliseconds(service.call(f"Describe{kind.prefix}", identity))
    if description[kind.status_member] != "Completed":
        raise execution_error("States.TaskFailed", json.dumps(description))
    return description


def _end(job: RunningJob) -> None:
    # The record may still be on its way to InProgress; the handle is what counts.
    job.stop.set()
    time.sleep(POLL_SECONDS)


def _call(service: SageMaker, operation: str, *, request: Request) -> Record:
    try:
        answer: Record = in_milliseconds(service.call(operation, _whole_numbers(request)))
    except ServiceError as error:
        name = f"{error.code}Exception" if error.code in MODELLED else "AmazonSageMakerException"
        cause = (
            f"{error} (Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code}; "
            f"Request ID: {uuid.uuid4()}; Proxy: null)"
        )
        raise execution_error(f"SageMaker.{name}", cause) from error
    return answer


def _whole_numbers(value: Any) -> Any:
    """JSONata has one kind of number, SageMaker takes integers: 3600.0 becomes 3600."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(each) for each in value]
    return value
