"""Lets MiniStack's front door judge requests to SageMaker, and checks what it leaves out; runs in the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_region
from ministack.core.router import extract_access_key_id

from local_cloud.roles import Need
from local_cloud.sagemaker.api.errors import ServiceError
from local_cloud.sagemaker.api.invocation import endpoint_of, operation_of
from local_cloud.sagemaker.api.kinds import ENDPOINT
from local_cloud.sagemaker.api.permissions import Permissions


def install(permissions: Permissions) -> None:
    """Teach MiniStack's authorization the namespace and the resources of SageMaker."""
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions._BOTOCORE_SERVICE_MAP["sagemaker"] = ["sagemaker", "sagemaker-runtime"]
    original: Callable[..., str] = iam_actions.extract_resource_arn
    action_of: Callable[..., str | None] = iam_actions.extract_iam_action

    def extract(  # noqa: PLR0917 - MiniStack's signature
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *others: Any, **named: Any
    ) -> str:
        if service != "sagemaker":
            return original(service, method, path, headers, body, *others, **named)
        if _is_invocation(path, headers):
            return ENDPOINT.arn(endpoint_of(path))
        return permissions.resource(_operation(headers), _parsed(body))

    def action(  # noqa: PLR0917 - MiniStack's signature
        service: str, method: str, path: str, headers: dict[str, str], *others: Any, **named: Any
    ) -> str | None:
        # By the path alone: what a caller writes into the body of a call must not choose the action it is judged by.
        if service == "sagemaker" and _is_invocation(path, headers):
            return f"sagemaker:{operation_of(path)}"
        return action_of(service, method, path, headers, *others, **named)

    iam_actions.extract_resource_arn = extract
    iam_actions.extract_iam_action = action


def check_caller(headers: Mapping[str, str], needs: Iterable[Need]) -> None:
    """Raise AccessDeniedException unless the caller has every need besides the operation itself.

    Callers inside the server (Step Functions) send no signature and were judged before.
    """
    if "x-amz-date" not in headers:
        return
    for need in needs:
        denied = iam_evaluator.enforce(
            extract_access_key_id(dict(headers)),
            need.action,
            need.service,
            get_region(),
            resource_arn=need.resource,
            service_context=dict(need.conditions),
        )
        if denied:
            raise ServiceError(
                "AccessDeniedException",
                f"User: {getattr(denied, 'principal_arn', 'unknown')} is not authorized to perform: {need.action} "
                f"on resource: {need.resource} because no identity-based policy allows the {need.action} action",
            )


def _is_invocation(path: str, headers: Mapping[str, str]) -> bool:
    return not headers.get("x-amz-target") and bool(operation_of(path))


def _operation(headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
