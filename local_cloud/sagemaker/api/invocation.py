"""The paths of SageMaker Runtime, whose requests name operation and endpoint nowhere else; runs in the server."""

from __future__ import annotations

import re
from urllib.parse import unquote

INVOCATION = re.compile(r"/endpoints/(?P<name>[^/]+)/(?P<operation>[a-z-]*invocations[a-z-]*)/?")
OPERATIONS = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}


def operation_of(path: str) -> str:
    """Name of the runtime operation that a path calls, or nothing."""
    found = INVOCATION.fullmatch(path)
    return OPERATIONS.get(found["operation"], "") if found else ""


def endpoint_of(path: str) -> str:
    """Name of the endpoint in an invocation's path; nothing in any other path."""
    found = INVOCATION.fullmatch(path)
    return unquote(found["name"]) if found else ""
