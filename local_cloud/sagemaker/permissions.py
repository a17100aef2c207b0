"""Lets MiniStack's front door judge SageMaker requests: which resource each one is about; runs in the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_region
from ministack.core.router import extract_access_key_id

from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.runtime import endpoint_of, operation_of

KIND_OF_MEMBER = {
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "ModelPackageGroupName": "model-package-group",
    "ModelName": "model",
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
}
ROLE_MEMBERS = ("RoleArn", "ExecutionRoleArn")


def resource_arn(action: str, request: Mapping[str, Any], *, region: str, account: str) -> str:
    """The ARN that a policy's Resource must match for an operation ("CreateTrainingJob") and its parameters."""
    prefix = f"arn:aws:sagemaker:{region}:{account}:"
    for member in ("ResourceArn", "ModelPackageArn"):
        if isinstance(request.get(member), str):
            return str(request[member])
    if action.startswith("List") and action != "ListTrainingJobsForHyperParameterTuningJob":
        return "*"
    package = request.get("ModelPackageName")
    if isinstance(package, str):
        return package if package.startswith("arn:") else f"{prefix}model-package/{package}"
    if action == "CreateModelPackage":
        group = str(request.get("ModelPackageGroupName", "")).rpartition("/")[2]
        return f"{prefix}model-package/{group}/*"
    for member, kind in KIND_OF_MEMBER.items():
        if isinstance(request.get(member), str):
            name = request[member]
            return name if name.startswith("arn:") else f"{prefix}{kind}/{name}"
    return "*"


def install() -> None:
    """Teach MiniStack's authorization the namespace and the resources of SageMaker."""
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions._BOTOCORE_SERVICE_MAP["sagemaker"] = ["sagemaker", "sagemaker-runtime"]
    original: Callable[..., str] = iam_actions.extract_resource_arn
    action_of: Callable[..., str | None] = iam_actions.extract_iam_action

    def extract(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *others: Any, **named: Any
    ) -> str:
        if service != "sagemaker":
            return original(service, method, path, headers, body, *others, **named)
        _query, region, account = others
        if _is_invocation(path, headers):
            return resource_arn("InvokeEndpoint", {"EndpointName": endpoint_of(path)}, region=region, account=account)
        return resource_arn(_operation(headers), _parsed(body), region=region, account=account)

    def action(service: str, method: str, path: str, headers: dict[str, str], *others: Any, **named: Any) -> str | None:
        # By the path alone: what a caller writes into the body of a call must not choose the action it is judged by.
        if service == "sagemaker" and _is_invocation(path, headers):
            return f"sagemaker:{operation_of(path)}"
        return action_of(service, method, path, headers, *others, **named)

    iam_actions.extract_resource_arn = extract
    iam_actions.extract_iam_action = action


def configured_endpoint(action: str, request: Mapping[str, Any], arn: str) -> list[tuple[str, str]]:
    """Creating or updating an endpoint is judged on its configuration as well: (IAM action, ARN) where it applies."""
    if action not in {"CreateEndpoint", "UpdateEndpoint"}:
        return []
    prefix = arn.partition("endpoint/")[0]
    return [(f"sagemaker:{action}", f"{prefix}endpoint-config/{request.get('EndpointConfigName', '')}")]


def check_caller(headers: Mapping[str, str], operation: str, request: Mapping[str, Any], arn: str) -> None:
    """What AWS demands of a caller besides the operation itself: passing the roles, adding tags, an endpoint's config.

    Raises AccessDeniedException. Callers inside the server (Step Functions) send no signature and were judged before.
    """
    if "x-amz-date" not in headers:
        return
    definition = request.get("TrainingJobDefinition")
    places = [request, definition] if isinstance(definition, dict) else [request]
    roles = {str(place[member]) for place in places for member in ROLE_MEMBERS if place.get(member)}
    checks = [("iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"}) for role in sorted(roles)]
    if request.get("Tags") and "ResourceArn" not in request:
        checks.append(("sagemaker:AddTags", arn, {}))
    checks += [(action, resource, {}) for action, resource in configured_endpoint(operation, request, arn)]
    for action, resource, context in checks:
        service = action.partition(":")[0]
        denied = iam_evaluator.enforce(
            extract_access_key_id(dict(headers)),
            action,
            service,
            get_region(),
            resource_arn=resource,
            service_context=context,
        )
        if denied:
            raise ServiceError(
                "AccessDeniedException",
                f"User: {getattr(denied, 'principal_arn', 'unknown')} is not authorized to perform: {action} "
                f"on resource: {resource} because no identity-based policy allows the {action} action",
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
