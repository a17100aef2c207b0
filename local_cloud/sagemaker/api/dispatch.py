"""The SageMaker API of the local cloud: reads requests, calls the operation, writes answers; runs in the server."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.authorization import check_caller
from local_cloud.sagemaker.api.context import Context, Request
from local_cloud.sagemaker.api.errors import ServiceError, invalid, not_implemented
from local_cloud.sagemaker.api.invocation import operation_of
from local_cloud.sagemaker.api.kinds import Kind
from local_cloud.sagemaker.api.operation import Operation
from local_cloud.sagemaker.api.permissions import Permissions
from local_cloud.sagemaker.api.validation import check

logger = logging.getLogger("trainyard.sagemaker")

Response = tuple[int, dict[str, str], bytes]
TARGET = "SageMaker."


class Invoke(Protocol):
    """Answers one call of an endpoint: a request to SageMaker Runtime."""

    def __call__(self, path: str, headers: Mapping[str, str], *, body: bytes) -> Awaitable[Response]: ...


class SageMaker:
    """The service: a table of `operations`, and the `parts` that carry them out, one for each kind of resource.

    `invoke` answers the calls of endpoints.
    """

    def __init__(
        self,
        context: Context,
        *,
        operations: Mapping[str, Operation],
        parts: Mapping[Kind, object],
        invoke: Invoke,
    ) -> None:
        self.context = context
        self.operations = operations
        self.permissions = Permissions(operations)
        self._parts = parts
        self._invoke = invoke

    def call(self, operation: str, request: Request) -> Record:
        """Validate a request and carry it out; raises `ServiceError`."""
        check(operation, request)
        if operation not in self.operations:
            raise not_implemented(operation)
        row = self.operations[operation]
        return row.function(self._parts[row.kind], request)

    async def handle_request(  # noqa: PLR0917 - MiniStack's signature
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """MiniStack's entry to a service. Works in a thread: creating a job calls other services of this server."""
        del method, query
        if not headers.get("x-amz-target") and operation_of(path):
            return await self._invoke(path, headers, body=body)
        return await asyncio.to_thread(self._respond, path, headers, body=body)

    def _respond(self, path: str, headers: dict[str, str], *, body: bytes) -> Response:
        target = headers.get("x-amz-target", "")
        try:
            if not target.startswith(TARGET):
                raise not_implemented(f"requests to {path}")
            operation, request = target.removeprefix(TARGET), _parsed(body)
            check_caller(headers, self.permissions.besides(operation, request))
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
