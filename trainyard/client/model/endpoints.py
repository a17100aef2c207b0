"""The endpoints of an environment: which models they serve, one request to one, and their removal; runs on a laptop."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.model import endpoint_removal
from trainyard.errors import JobFailed, NotFound
from trainyard.run.naming import alarm_names, checked_model, endpoint_name, model_name
from trainyard.serving.inference_id import asked
from trainyard.serving.wire import sentence_of
from trainyard.stages.resolve.request import NO_DATASET, Request

RUN_OF_MODEL = re.compile(r"[a-z0-9-]+-model-(\d{8}-\d{6}-[0-9a-f]{8})-[0-9a-f]{8}")
# The endpoint itself is unknown, or (of the runtime) does not exist; any other refusal is somebody else's.
UNKNOWN = ("Could not find", "not found")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One endpoint and the version in service: `kind` says what carries it, `run` is empty for a foreign model.

    `progress` says how far an update is, empty while there is none. A version in the shadow answers copies of the share
    `shadow_share` of the requests (None without one); `shadow_run` is as `run`.
    """

    name: str
    status: str
    kind: str
    model: str
    run: str
    since: datetime
    reason: str = ""
    progress: str = ""
    shadow_run: str = ""
    shadow_share: float | None = None

    @property
    def shadow(self) -> str:
        """What is in the shadow, as a sentence goes on after the endpoint's name; empty for nothing."""
        if self.shadow_share is None:
            return ""
        answering = f"the model of run {self.shadow_run}" if self.shadow_run else "a model of no run"
        return f"{answering} answers copies of {self.shadow_share * 100:.3g}% of its requests in the shadow"


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
    configuration = _configuration(deployment, found["EndpointConfigName"])
    variant = _first(configuration, "ProductionVariants")
    shadow = _first(configuration, "ShadowProductionVariants")
    return Endpoint(
        name=name,
        status=found["EndpointStatus"],
        kind=_kind(variant),
        model=str(variant.get("ModelName", "")),
        run=_run(variant),
        since=found["LastModifiedTime"],
        reason=found.get("FailureReason", ""),
        progress=_progress(found.get("PendingDeploymentSummary", {})),
        shadow_run=_run(shadow),
        shadow_share=_share(shadow, variant) if shadow else None,
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


def remove(deployment: Deployment, name: str, *, tell: Callable[[str], None]) -> list[str]:
    """Delete an endpoint and what was made for it; returns the names of what went. Registered models stay.

    Every configuration goes, with an endpoint of its own that an execution which was stopped left, and the alarms of
    roll-outs. `tell` gets what is waited for: SageMaker deletes no endpoint while it is made or updated.
    Raises NotFound where there is none of it, TrainyardError when an endpoint does not go away.
    """
    configurations = list(_configurations(deployment, name))
    # An endpoint on which a configuration was tried is called after it: an execution that was stopped leaves it.
    gone = _existing(deployment, {name, *configurations})
    # A configuration that a living endpoint uses must not be deleted.
    endpoint_removal.delete(deployment.target, gone, prefix=f"{deployment.name}-", tell=tell)
    for each in configurations:
        deployment.target.client("sagemaker").delete_endpoint_config(EndpointConfigName=each)
        gone.append(each)
    # A removal that broke off may have left nothing else.
    gone += _without_alarms(deployment, name)
    if not gone:
        raise _not_found(deployment, name)
    return gone


def _existing(deployment: Deployment, names: Collection[str]) -> list[str]:
    """Those of the names that are endpoints of the environment."""
    pages = deployment.target.client("sagemaker").get_paginator("list_endpoints")
    found = pages.paginate(NameContains=f"{deployment.name}-")
    return sorted(each["EndpointName"] for page in found for each in page["Endpoints"] if each["EndpointName"] in names)


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


def _describe(deployment: Deployment, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = deployment.target.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        if _unknown(error.response["Error"].get("Message", "")):
            return None
        raise
    return found


def _configuration(deployment: Deployment, name: str) -> Mapping[str, Any]:
    """A configuration, empty when somebody deleted it."""
    try:
        found: Mapping[str, Any] = deployment.target.client("sagemaker").describe_endpoint_config(
            EndpointConfigName=name
        )
    except ClientError as error:
        if _unknown(error.response["Error"].get("Message", "")):
            return {}
        raise
    return found


def _first(configuration: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The variant of a kind, of which there is one at most; empty for none."""
    return next(iter(configuration.get(kind, ())), {})


def _run(variant: Mapping[str, Any]) -> str:
    """The run whose model a variant serves, empty for a foreign one."""
    found = RUN_OF_MODEL.fullmatch(str(variant.get("ModelName", "")))
    return found[1] if found else ""


def _share(shadow: Mapping[str, Any], variant: Mapping[str, Any]) -> float:
    """Of how many requests a shadow gets copies: its weight beside that of the variant whose answers go out."""
    weight = variant.get("InitialVariantWeight", 1.0) or 1.0
    return min(float(shadow.get("InitialVariantWeight", 1.0)) / float(weight), 1.0)


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
