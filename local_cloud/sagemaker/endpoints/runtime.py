"""SageMaker Runtime of the local cloud: InvokeEndpoint hands calls to the endpoint's containers; runs in the server."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ministack.core.responses import get_account_id, get_region

from local_cloud.sagemaker.api.errors import ServiceError, not_implemented
from local_cloud.sagemaker.api.invocation import endpoint_of, operation_of
from local_cloud.sagemaker.endpoints.client import Answer, TimedOut, TooLarge, Unreachable
from local_cloud.sagemaker.endpoints.endpoints import Endpoints
from local_cloud.sagemaker.endpoints.server import ModelServer

Response = tuple[int, dict[str, str], bytes]

PREFIX = "x-amzn-sagemaker-"
# Passed to the container as they come; everything else of the request is between the caller and AWS.
PASSED = ("content-type", "accept", f"{PREFIX}custom-attributes", f"{PREFIX}inference-id")
UNSUPPORTED = ("target-model", "target-container-hostname", "inference-component", "enable-explanations", "session-id")
# A call holds a thread until its container answers: as many as the kept connections of a container.
THREADS = 64


class ModelError(ServiceError):
    """The container refused or failed the call: its own answer travels with the error."""

    def __init__(self, message: str, *, status: int, said: str, log_stream_arn: str) -> None:
        self.members = {"OriginalStatusCode": status, "OriginalMessage": said, "LogStreamArn": log_stream_arn}
        super().__init__("ModelError", message, status=424)


class Runtime:
    """Calls of endpoints. They have threads of their own: slow models must not hold up the rest of the cloud."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="invocation")

    async def handle(self, path: str, headers: Mapping[str, str], *, body: bytes) -> Response:
        """Answer one invocation."""
        context = contextvars.copy_context()
        call = functools.partial(context.run, self.invoke, path, headers, body=body)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def invoke(self, path: str, headers: Mapping[str, str], *, body: bytes) -> Response:
        """InvokeEndpoint, and what it answers to every error."""
        try:
            if operation_of(path) != "InvokeEndpoint":
                raise not_implemented(operation_of(path) or f"requests to {path}")
            return self._invoked(endpoint_of(path), headers, body=body)
        except ServiceError as error:
            return _refusal(error)

    def _invoked(self, name: str, headers: Mapping[str, str], *, body: bytes) -> Response:
        for feature in UNSUPPORTED:
            if headers.get(PREFIX + feature):
                raise not_implemented(f"the header {PREFIX}{feature}")
        server = self._endpoints.reserve(name, headers.get(f"{PREFIX}target-variant", ""))
        try:
            if len(body) > server.variant.max_bytes:
                limit = server.variant.max_bytes
                raise ServiceError(
                    "ValidationError", f"Request {len(body)} has exceeded limit {limit} bytes.", status=413
                )
            passed = {member: headers[member] for member in PASSED if headers.get(member)}
            answer = self._timed(name, server, body=body, headers=passed)
        finally:
            server.leave()
        if not 200 <= answer.status < 300:
            raise _model_error(server, answer.status, said=answer.body.decode("utf-8", "replace"))
        return 200, _response_headers(server, answer), answer.body

    def _timed(self, name: str, server: ModelServer, *, body: bytes, headers: dict[str, str]) -> Answer:
        """The container's answer, counted among the endpoint's metrics; what is in its shadow gets a copy of the call.

        The copy is handed over after the answer: it is for nobody who waits.
        """
        # What gives no answer counts as a fault of the model.
        status, started = 500, time.perf_counter()
        try:
            answer = _call(server, body, headers=headers)
            status = answer.status
        finally:
            seconds = time.perf_counter() - started
            self._endpoints.metrics.note(name, server.variant, status=status, seconds=seconds)
            if server.copy is not None:
                server.copy(body, headers)
        return answer


def _call(server: ModelServer, body: bytes, *, headers: Mapping[str, str]) -> Answer:
    try:
        return server.client.invoke(body, headers)
    except TimedOut as error:
        said = "Your invocation timed out while waiting for a response from container primary."
        raise _model_error(server, 0, said=said) from error
    except TooLarge as error:
        raise _model_error(server, 500, said=f"{error}") from error
    except Unreachable as error:
        said = "The container closed the connection or does not listen."
        raise _model_error(server, 0, said=said) from error


def _model_error(server: ModelServer, status: int, *, said: str) -> ModelError:
    side = "client" if 400 <= status < 500 else "server"
    region, account = get_region(), get_account_id()
    return ModelError(
        f'Received {side} error ({status}) from primary with message "{said}". '
        f"See the log group {server.log_group} in account {account} for more information.",
        status=status,
        said=said,
        log_stream_arn=f"arn:aws:logs:{region}:{account}:log-group:{server.log_group}",
    )


def _response_headers(server: ModelServer, answer: Answer) -> dict[str, str]:
    headers = {
        # In lower case MiniStack leaves it alone: it would take a JSON answer for one of the service itself.
        "content-type": answer.headers.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": server.variant.name,
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    attributes = answer.headers.get(f"{PREFIX}custom-attributes")
    return {**headers, "X-Amzn-SageMaker-Custom-Attributes": attributes} if attributes else headers


def _refusal(error: ServiceError) -> Response:
    document: dict[str, Any] = {"Message": str(error), **(error.members if isinstance(error, ModelError) else {})}
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": error.code,
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    return error.status, headers, json.dumps(document).encode()
