"""The endpoints of an environment: which models they serve, one request to one, and their removal; runs on a laptop."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.errors import JobFailed, NotFound, TrainyardError
from trainyard.run.naming import alarm_names, checked_model, endpoint_name, model_name
from trainyard.serving.inference_id import asked
from trainyard.serving.wire import sentence_of
from trainyard.stages.resolve.request import NO_DATASET, Request

RUN_OF_MODEL = re.compile(r"[a-z0-9-]+-model-(\d{8}-\d{6}-[0-9a-f]{8})-[0-9a-f]{8}")
REMOVAL_SECONDS = 600.0
# The endpoint itself is unknown, or (of the runtime) does not exist; any other refusal is somebody else's.
UNKNOWN = ("Could not find", "not found")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One endpoint and the version in service: `kind` says what carries it, `run` is empty for a foreign model.

    `progress` says how far an update is, empty while there is none.
    """

    name: str
    status: str
    kind: str
    model: str
    run: str
    since: datetime
    reason: str = ""
    progress: str = ""


def name_of(deployment: Deployment, recipe: str, *, variant: str = "", model: str = "") -> str:
    """The endpoint of a recipe, of one of its variants, or of the model of a name; raises BadRequest for no name."""
    return name_for(deployment, model_name(recipe, variant=variant, model=checked_model(model)))


def name_for(deployment: Deployment, model: str) -> str:
    """The endpoint of a model by the name that the ledger has (`model_name`)."""
    return endpoint_name(deployment.name, model)


def listed(deployment: Deployment) -> list[Endpoint]:
    """The environment's endpoints by name."""
    start = f"{deployment.name}-"
    pages = deployment.target.client("sagemaker").get_paginator("list_endpoints").paginate(NameContains=start)
    names = sorted(each["EndpointName"] for page in pages for each in page["Endpoints"])
    return [described(deployment, each) for each in names if each.startswith(start)]


def described(deployment: Deployment, name: str) -> Endpoint:
    """One endpoint; raises NotFound."""
    found = _describe(deployment, name)
    if found is None:
        raise _not_found(deployment, name)
    variant = _variant(deployment, found["EndpointConfigName"])
    model = str(variant.get("ModelName", ""))
    run = RUN_OF_MODEL.fullmatch(model)
    return Endpoint(
        name=name,
        status=found["EndpointStatus"],
        kind=_kind(variant),
        model=model,
        run=run[1] if run else "",
        since=found["LastModifiedTime"],
        reason=found.get("FailureReason", ""),
        progress=_progress(found.get("PendingDeploymentSummary", {})),
    )


def of_model(deployment: Deployment, model: str) -> Endpoint | None:
    """The endpoint of a model by its name in the ledger, None while it has none."""
    try:
        return described(deployment, name_for(deployment, model))
    except NotFound:
        return None


def release(deployment: Deployment, recipe: str, *, overrides: Mapping[str, Any]) -> tuple[str, str]:
    """Start an execution that puts the model in use behind its endpoint; returns its ARN and name."""
    request = Request(recipe=recipe, dataset=NO_DATASET, overrides=overrides, task="deploy")
    return executions.start(deployment, request)


def invoke(deployment: Deployment, name: str, *, body: bytes, content_type: str, inference_id: str = "") -> bytes:
    """The answer of an endpoint's model; `inference_id` is what the caller calls the request.

    Raises NotFound without such an endpoint, JobFailed in the model's words.
    """
    runtime = deployment.target.client("sagemaker-runtime")
    try:
        answer = runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType=content_type, **asked(inference_id))
        content: bytes = answer["Body"].read()
    except ClientError as error:
        code, said = error.response["Error"].get("Code"), error.response["Error"].get("Message", "")
        if code == "ModelError":
            own = sentence_of(str(error.response.get("OriginalMessage") or said))
            raise JobFailed(f"The model refused the request: {own}") from error
        if code in ("ValidationError", "ValidationException") and _unknown(said):
            described(deployment, name)
            raise JobFailed(f"Expected endpoint {name} to be in service: {said} See `trainyard endpoints`.") from error
        raise
    return content


def remove(deployment: Deployment, name: str) -> list[str]:
    """Delete an endpoint and what was made for it; returns the names of what went. Registered models stay.

    Every configuration goes, with an endpoint of its own that an execution which was stopped left, and the alarms of
    roll-outs. Raises NotFound where there is none of it, TrainyardError when the endpoint does not go away.
    """
    sagemaker, gone = deployment.target.client("sagemaker"), []
    if _describe(deployment, name) is not None:
        gone.append(_removed(deployment, name))
    configurations = list(_configurations(deployment, name))
    gone += [_removed(deployment, each) for each in _tried(deployment, configurations)]
    for each in configurations:
        sagemaker.delete_endpoint_config(EndpointConfigName=each)
        gone.append(each)
    # A removal that broke off may have left nothing else.
    gone += _without_alarms(deployment, name)
    if not gone:
        raise _not_found(deployment, name)
    return gone


def _removed(deployment: Deployment, name: str) -> str:
    deployment.target.client("sagemaker").delete_endpoint(EndpointName=name)
    _await_removal(deployment, name)
    return name


def _tried(deployment: Deployment, configurations: Sequence[str]) -> list[str]:
    """Endpoints on which configurations were tried, called after them: executions that were stopped leave them."""
    if not configurations:
        return []
    start = f"{deployment.name}-"
    pages = deployment.target.client("sagemaker").get_paginator("list_endpoints").paginate(NameContains=start)
    return [
        each["EndpointName"] for page in pages for each in page["Endpoints"] if each["EndpointName"] in configurations
    ]


def _without_alarms(deployment: Deployment, name: str) -> list[str]:
    """Delete the alarms that roll-outs made for an endpoint; returns their names."""
    cloudwatch = deployment.target.client("cloudwatch")
    found = cloudwatch.describe_alarms(AlarmNames=alarm_names(name), AlarmTypes=["MetricAlarm"])["MetricAlarms"]
    names = [each["AlarmName"] for each in found]
    if names:
        cloudwatch.delete_alarms(AlarmNames=names)
    return names


def _configurations(deployment: Deployment, name: str) -> Iterator[str]:
    """Names of the configurations that the state machine made for an endpoint: its name and eight hex digits."""
    pages = deployment.target.client("sagemaker").get_paginator("list_endpoint_configs").paginate(NameContains=name)
    for page in pages:
        for each in page["EndpointConfigs"]:
            if re.fullmatch(rf"{re.escape(name)}-[0-9a-f]{{8}}", each["EndpointConfigName"]):
                yield each["EndpointConfigName"]


def _await_removal(deployment: Deployment, name: str) -> None:
    """A configuration that a living endpoint uses must not be deleted."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while time.monotonic() < deadline:
        if _describe(deployment, name) is None:
            return
        time.sleep(deployment.target.poll_seconds)
    raise TrainyardError(
        f"Expected endpoint {name} to be gone within {REMOVAL_SECONDS:.0f} seconds; it is still being deleted. "
        "Run the same command again later to remove its configurations."
    )


def _describe(deployment: Deployment, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = deployment.target.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        if _unknown(error.response["Error"].get("Message", "")):
            return None
        raise
    return found


def _variant(deployment: Deployment, configuration: str) -> Mapping[str, Any]:
    """The production variant of a configuration, empty when somebody deleted it."""
    try:
        found = deployment.target.client("sagemaker").describe_endpoint_config(EndpointConfigName=configuration)
    except ClientError as error:
        if _unknown(error.response["Error"].get("Message", "")):
            return {}
        raise
    variant: Mapping[str, Any] = found["ProductionVariants"][0]
    return variant


def _kind(variant: Mapping[str, Any]) -> str:
    serverless = variant.get("ServerlessConfig")
    if serverless:
        return f"serverless, {serverless['MemorySizeInMB']} MB"
    if "InstanceType" not in variant:
        return "unknown"
    return f"{variant['InitialInstanceCount']} x {variant['InstanceType']}"


def _progress(pending: Mapping[str, Any]) -> str:
    """How far an update is, in SageMaker's words; empty for none."""
    if not pending:
        return ""
    stages = [each for variant in pending.get("ProductionVariants", []) for each in variant.get("VariantStatus", [])]
    told = [f"{each['Status']} {each.get('StatusMessage', '')}".strip() for each in stages]
    return f"gets {pending['EndpointConfigName']}: {', '.join(told) or 'Updating'}"


def _not_found(deployment: Deployment, name: str) -> NotFound:
    return NotFound(
        f"Expected the endpoint {name} on {deployment.target.name}, found none; deploy a model with "
        "`trainyard release RECIPE`, and see `trainyard endpoints`."
    )


def _unknown(message: str) -> bool:
    return any(each in message for each in UNKNOWN)
