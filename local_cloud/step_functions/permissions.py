"""Derives the permissions a Task state needs from its Resource and arguments, as the role of a state machine in AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions

from local_cloud.roles import Need, request_tags
from local_cloud.step_functions.versions import unqualified

Arguments = Mapping[str, Any]


class Derive(Protocol):
    """Says what an operation of one service needs: its name ("StartJobRun"), its arguments, whether the task waits."""

    def __call__(self, action: str, given: Arguments, *, sync: bool) -> list[Need]: ...


# The managed rule with which Step Functions hears that a child has ended ("IAM policies for integrated services").
_EXECUTION_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"

# S3 operations whose IAM action has another name, and those that need the bucket rather than an object.
_S3_ACTIONS = {
    "HeadObject": "GetObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListBuckets": "ListAllMyBuckets",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
_S3_VERSIONED = ("GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging")


def needed(resource: str, arguments: Any) -> list[Need]:
    """Permissions for one call of a task's resource; empty for activities, which need none."""
    plain, sync = split_pattern(resource)
    if ":function:" in resource:
        return [Need("lambda:InvokeFunction", plain)]
    parts = plain.split(":")
    if len(parts) < 7 or parts[5] == "activity":
        return []
    given: Arguments = arguments if isinstance(arguments, Mapping) else {}
    if parts[5] == "aws-sdk":
        return _sdk(parts[6], given, action=parts[7][0].upper() + parts[7][1:])
    derive = _added.get(parts[5]) or _OPTIMISED.get(parts[5])
    return [] if derive is None else derive(parts[6][0].upper() + parts[6][1:], given, sync=sync)


def add(service: str, derive: Derive) -> None:
    """Let a service that the local cloud adds say itself what its operations need, called through the SDK too."""
    _added[service] = derive


def split_pattern(resource: str) -> tuple[str, bool]:
    """A task's resource without its integration pattern, and whether it waits for the job (`.sync`)."""
    for pattern in (".sync:2", ".sync", ".waitForTaskToken"):
        if resource.endswith(pattern):
            return resource.removesuffix(pattern), pattern != ".waitForTaskToken"
    return resource, False


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def managed_rule(name: str) -> list[Need]:
    """What Step Functions needs to hear of the end of a job: the rule that it manages in the account."""
    rule = _arn("events", f"rule/{name}")
    return [Need(f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule")]


def _lambda(action: str, given: Arguments, *, sync: bool) -> list[Need]:
    del action, sync
    name = str(given.get("FunctionName", ""))
    return [Need("lambda:InvokeFunction", name if name.startswith("arn:") else _arn("lambda", f"function:{name}"))]


def _sns(action: str, given: Arguments, *, sync: bool) -> list[Need]:
    del sync
    return [Need(f"sns:{action}", str(given.get("TopicArn") or given.get("TargetArn") or "*"))]


def _sqs(action: str, given: Arguments, *, sync: bool) -> list[Need]:
    del sync
    return [Need(f"sqs:{action}", _arn("sqs", str(given.get("QueueUrl", "")).rpartition("/")[2]))]


def _dynamodb(action: str, given: Arguments, *, sync: bool) -> list[Need]:
    del sync
    name = str(given.get("TableName", ""))
    return [Need(f"dynamodb:{action}", name if name.startswith("arn:") else _arn("dynamodb", f"table/{name}"))]


def _events(action: str, given: Arguments, *, sync: bool) -> list[Need]:
    del sync
    buses = [str(entry.get("EventBusName") or "default") for entry in given.get("Entries") or [{}]]
    arns = {bus if bus.startswith("arn:") else _arn("events", f"event-bus/{bus}") for bus in buses}
    return [Need(f"events:{action}", arn) for arn in sorted(arns)]


def _states(action: str, given: Arguments, *, sync: bool) -> list[Need]:
    # As in AWS, whoever may start a machine may start any version of it.
    machine = unqualified(str(given.get("StateMachineArn", "")))
    needs = [Need(f"states:{action}", machine)]
    if sync:
        executions = f"{machine.replace(':stateMachine:', ':execution:')}:*"
        needs += [Need("states:DescribeExecution", executions), Need("states:StopExecution", executions)]
        needs += managed_rule(_EXECUTION_RULE)
    return needs


def _glue(action: str, given: Arguments, *, sync: bool) -> list[Need]:
    job = _arn("glue", f"job/{given.get('JobName', '')}")
    waiting = ("GetJobRun", "GetJobRuns", "BatchStopJobRun") if sync else ()
    return [Need(f"glue:{name}", job) for name in (action, *waiting)]


_OPTIMISED: dict[str, Derive] = {
    "lambda": _lambda,
    "sns": _sns,
    "sqs": _sqs,
    "dynamodb": _dynamodb,
    "events": _events,
    "states": _states,
    "glue": _glue,
}
_added: dict[str, Derive] = {}


def _sdk(service: str, given: Arguments, *, action: str) -> list[Need]:
    """Permissions of an `aws-sdk:service:action` task; the resource's ARN is found as the front door finds it."""
    service = service.lower()
    if service == "s3":
        return _s3(action, given)
    if service in _added:
        return _added[service](action, given, sync=False)
    if service == "lambda":
        name = "InvokeFunction" if action == "Invoke" else action
        return [Need(f"lambda:{name}", need.resource) for need in _lambda(action, given, sync=False)]
    route = stepfunctions._AWS_SDK_SERVICE_MAP.get(service, {})
    key = route.get("service_key", service)
    namespace = iam_actions.SERVICE_TO_IAM_NAMESPACE.get(key, service)
    wire = stepfunctions._sdk_json_params(route, key, action, given) if route.get("protocol") == "json" else given
    scalars = {name: [str(value)] for name, value in given.items() if isinstance(value, str | int | float)}
    request = ("POST", "/", {"x-amz-target": f".{action}"}, json.dumps(wire).encode(), scalars)
    arn = iam_actions.extract_resource_arn(key, *request, get_region(), get_account_id())
    return [Need(f"{namespace}:{action}", arn, request_tags(given))]


def _s3(action: str, given: Arguments) -> list[Need]:
    bucket, key = given.get("Bucket"), given.get("Key")
    name = _S3_ACTIONS.get(action, action)
    if given.get("VersionId") and name in _S3_VERSIONED:
        name = name.replace("Object", "ObjectVersion", 1)
    resource = "*" if bucket is None else f"arn:aws:s3:::{bucket}" + (f"/{key}" if key is not None else "")
    conditions = {"s3:prefix": given["Prefix"]} if "Prefix" in given else {}
    needs = [Need(f"s3:{name}", resource, conditions)]
    if action == "CopyObject":
        source = str(given.get("CopySource", "")).lstrip("/").partition("?")[0]
        needs.append(Need("s3:GetObject", f"arn:aws:s3:::{source}"))
    return needs
