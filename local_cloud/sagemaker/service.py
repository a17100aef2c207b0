"""The SageMaker API of the local cloud: reads requests, calls the operation, writes answers; runs in the server."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from typing import Any

from ministack.core.responses import get_account_id, get_region

from local_cloud.jobs.settings import Settings
from local_cloud.sagemaker import models
from local_cloud.sagemaker.context import Context, Operation, Request
from local_cloud.sagemaker.endpoints import Endpoints
from local_cloud.sagemaker.errors import ServiceError, invalid, not_implemented
from local_cloud.sagemaker.packages import Packages
from local_cloud.sagemaker.permissions import check_caller, resource_arn
from local_cloud.sagemaker.processing import ProcessingJobs
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.runtime import Runtime, operation_of
from local_cloud.sagemaker.tags import Tags
from local_cloud.sagemaker.training import TrainingJobs
from local_cloud.sagemaker.tuning import TuningJobs
from local_cloud.sagemaker.validation import check

logger = logging.getLogger("trainyard.sagemaker")

Response = tuple[int, dict[str, str], bytes]
TARGET = "SageMaker."


class SageMaker:
    """All operations that the local cloud has."""

    def __init__(self, settings: Settings) -> None:
        self.context = Context(settings)
        self.training = TrainingJobs(self.context)
        self.processing = ProcessingJobs(self.context)
        self.tuning = TuningJobs(self.context, self.training)
        self.packages = Packages(self.context)
        self.endpoints = Endpoints(self.context)
        self.runtime = Runtime(self.endpoints)
        self._operations: dict[str, Operation] = {
            "CreateTrainingJob": self.training.create,
            "DescribeTrainingJob": self.training.describe,
            "ListTrainingJobs": self.training.list,
            "StopTrainingJob": self.training.stop,
            "CreateProcessingJob": self.processing.create,
            "DescribeProcessingJob": self.processing.describe,
            "ListProcessingJobs": self.processing.list,
            "StopProcessingJob": self.processing.stop,
            "CreateHyperParameterTuningJob": self.tuning.create,
            "DescribeHyperParameterTuningJob": self.tuning.describe,
            "ListHyperParameterTuningJobs": self.tuning.list,
            "ListTrainingJobsForHyperParameterTuningJob": self.tuning.list_training_jobs,
            "StopHyperParameterTuningJob": self.tuning.stop,
            **models.operations(self.context),
            **self.endpoints.operations(),
            **self.packages.operations(),
            **Tags(self.context).operations(),
        }

    def call(self, operation: str, request: Request) -> Record:
        """Validate a request and carry it out; raises `ServiceError`."""
        check(operation, request)
        if operation not in self._operations:
            raise not_implemented(operation)
        return self._operations[operation](request)

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """MiniStack's entry to a service. Works in a thread: creating a job calls other services of this server."""
        del method, query
        if not headers.get("x-amz-target") and operation_of(path):
            return await self.runtime.handle(path, headers, body)
        return await asyncio.to_thread(self._respond, path, headers, body)

    def _respond(self, path: str, headers: dict[str, str], body: bytes) -> Response:
        target = headers.get("x-amz-target", "")
        try:
            if not target.startswith(TARGET):
                raise not_implemented(f"requests to {path}")
            operation, request = target.removeprefix(TARGET), _parsed(body)
            arn = resource_arn(operation, request, region=get_region(), account=get_account_id())
            check_caller(headers, operation, request, arn)
            return _answer(200, self.call(operation, request))
        except ServiceError as error:
            return _answer(error.status, {"__type": error.code, "message": str(error)}, code=error.code)
        except Exception as error:
            logger.exception("Defect of the local cloud in %s", target or path)
            return _answer(500, {"__type": "InternalFailure", "message": str(error)}, code="InternalFailure")


def _parsed(body: bytes) -> Request:
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise ServiceError("SerializationException", f"The request is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise invalid("The request is not a JSON object.")
    return value


def _answer(status: int, document: Record, *, code: str = "") -> Response:
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
    if code:
        headers["x-amzn-ErrorType"] = code
    return status, headers, json.dumps(document).encode()
