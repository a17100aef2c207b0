"""Step Functions' integrations with SageMaker, waiting ones (.sync) too; runs in the server's execution threads."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from local_cloud.jobs.running import RunningJob
from local_cloud.sagemaker.context import Request
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.events import in_milliseconds
from local_cloud.sagemaker.jobs import Jobs
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.service import SageMaker
from local_cloud.step_functions.cancellation import report_submitted, stop_requested

POLL_SECONDS = 0.05
STARTED_BY = [{"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}]
WITHOUT_WAITING = ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint")
MODELLED = {"ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound"}


def install(service: SageMaker) -> None:
    """Register the integrations with MiniStack's Step Functions."""
    dispatch = stepfunctions._SERVICE_DISPATCH
    prefix = "arn:aws:states:::sagemaker:"
    dispatch[f"{prefix}createTrainingJob"] = _job(service, service.training)
    dispatch[f"{prefix}createProcessingJob"] = _job(service, service.processing)
    dispatch[f"{prefix}createHyperParameterTuningJob"] = _job(service, service.tuning)
    for operation in WITHOUT_WAITING:
        dispatch[f"{prefix}{operation[0].lower()}{operation[1:]}"] = _request(service, operation)
    stepfunctions._AWS_SDK_SERVICE_MAP["sagemaker"] = {"target_prefix": "SageMaker", "protocol": "json"}
    stepfunctions._AWS_SDK_ERROR_PREFIX["sagemaker"] = "SageMaker"
    modelled = {code: f"{code}Exception" for code in MODELLED}
    stepfunctions._AWS_SDK_ERROR_CODE_OVERRIDES["sagemaker"] = {**modelled, "ValidationException": "SageMakerException"}


def _request(service: SageMaker, operation: str) -> Callable[[str, Request], Any]:
    return lambda _resource, request: _call(service, operation, request)


def _job(service: SageMaker, jobs: Jobs) -> Callable[[str, Request], Any]:
    def integrate(resource: str, request: Request) -> Any:
        if not resource.endswith(".sync"):
            return _call(service, f"Create{jobs.prefix}", request)
        tagged = {**request, "Tags": [*request.get("Tags", ()), *STARTED_BY]}
        report_submitted(_call(service, f"Create{jobs.prefix}", tagged))
        return _await(jobs, request[jobs.name_member])

    return integrate


def _await(jobs: Jobs, name: str) -> Record:
    """Wait for a job's end, stopping it when the execution is stopped; its description, or States.TaskFailed."""
    job, cancelled = jobs.running.get(name), stop_requested()
    while job is not None and not job.done.wait(POLL_SECONDS):
        if cancelled.is_set():
            _cancel(jobs, name, job)
    description: Record = in_milliseconds(jobs.describe({jobs.name_member: name}))
    if description[jobs.status_member] != "Completed":
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(description))
    return description


def _cancel(jobs: Jobs, name: str, job: RunningJob) -> None:
    jobs.stop({jobs.name_member: name})
    # The record may still be on its way to InProgress; the handle is what counts.
    job.stop.set()
    time.sleep(POLL_SECONDS)


def _call(service: SageMaker, operation: str, request: Request) -> Record:
    try:
        answer: Record = in_milliseconds(service.call(operation, _whole_numbers(request)))
    except ServiceError as error:
        name = f"{error.code}Exception" if error.code in MODELLED else "AmazonSageMakerException"
        cause = (
            f"{error} (Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code}; "
            f"Request ID: {uuid.uuid4()}; Proxy: null)"
        )
        raise stepfunctions._ExecutionError(f"SageMaker.{name}", cause) from error
    return answer


def _whole_numbers(value: Any) -> Any:
    """JSONata has one kind of number, SageMaker asks for integers: 3600.0 becomes 3600."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(each) for each in value]
    return value
