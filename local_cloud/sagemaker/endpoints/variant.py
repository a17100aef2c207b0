"""Variants: what a configuration and its models come to, fixed when deployed; runs in the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.context import Context
from local_cloud.sagemaker.api.errors import not_found, not_implemented
from local_cloud.sagemaker.api.kinds import ENDPOINT_CONFIG, MODEL

MIB = 1024 * 1024
# AWS carries 4 MB each way on serverless endpoints, 25 MB on instances, and gives a container 3 or 8 minutes until its
# first /ping.
SERVERLESS_BYTES, INSTANCE_BYTES = 4 * MIB, 25 * MIB
SERVERLESS_START_SECONDS, INSTANCE_START_SECONDS = 180.0, 480.0


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant with everything that starting it needs: nothing is looked up again afterwards.

    A shadow gets copies of the calls of the production variant beside it; callers never hear of it.
    """

    name: str
    image: str
    model_data: str
    environment: dict[str, str]
    role_arn: str
    configuration: str = ""
    weight: float = 1.0
    instances: int = 1
    serverless: dict[str, Any] | None = None
    start_seconds: float = INSTANCE_START_SECONDS
    shadow: bool = False

    @property
    def max_bytes(self) -> int:
        return SERVERLESS_BYTES if self.serverless else INSTANCE_BYTES

    @property
    def max_concurrency(self) -> int | None:
        """Calls at a time, which serverless endpoints limit; None: as many as come."""
        return self.serverless["MaxConcurrency"] if self.serverless else None


def variants_of(context: Context, config_name: str) -> list[Variant]:
    """The variants of a configuration; raises `ServiceError` when it or a model of it is not there."""
    config = context.records[ENDPOINT_CONFIG].get(config_name)
    if config is None:
        raise not_found(ENDPOINT_CONFIG.title, ENDPOINT_CONFIG.arn(config_name))
    return [
        _variant(context, each, configuration=config_name, shadow=shadow)
        for member, shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True))
        for each in config.get(member) or []
    ]


def _variant(context: Context, variant: Record, *, configuration: str, shadow: bool) -> Variant:
    name = variant["ModelName"]
    model = context.records[MODEL].get(name)
    if model is None:
        raise not_found(MODEL.title, MODEL.arn(name))
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    if len(containers) > 1 or not containers[0].get("Image"):
        raise not_implemented(f"endpoints of models like {name}, which is not one container with an image")
    serverless = variant.get("ServerlessConfig")
    patience = SERVERLESS_START_SECONDS if serverless else INSTANCE_START_SECONDS
    return Variant(
        name=variant["VariantName"],
        image=containers[0]["Image"],
        model_data=containers[0].get("ModelDataUrl", ""),
        environment=containers[0].get("Environment", {}),
        role_arn=model["ExecutionRoleArn"],
        configuration=configuration,
        weight=float(variant.get("InitialVariantWeight", 1.0)),
        instances=int(variant.get("InitialInstanceCount", 1)),
        serverless=serverless,
        start_seconds=float(variant.get("ContainerStartupHealthCheckTimeoutInSeconds", patience)),
        shadow=shadow,
    )


def summary(variant: Variant) -> Record:
    """A variant as DescribeEndpoint shows it."""
    shown: Record = {
        "VariantName": variant.name,
        "DeployedImages": [{"SpecifiedImage": variant.image, "ResolvedImage": variant.image}],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
    }
    if variant.serverless:
        return {**shown, "CurrentServerlessConfig": variant.serverless, "DesiredServerlessConfig": variant.serverless}
    return {**shown, "CurrentInstanceCount": variant.instances, "DesiredInstanceCount": variant.instances}
