"""Endpoint configurations and SageMaker models that nothing serves or registers; in a Lambda.

Every deployment makes a configuration, and every promotion a model. They cost nothing, and there may be thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from trainyard.stages.tidy_up.needed import Needed


def remove_configurations(prefix: str, *, before: datetime, sagemaker: Any) -> int:
    """Delete the configurations of an environment, replaced before a time, that no endpoint uses; returns how many."""
    used = set(_used(prefix, sagemaker=sagemaker))
    listed = _listed("list_endpoint_configs", "EndpointConfigs", start=f"{prefix}-", sagemaker=sagemaker)
    old = [each for each in _replaced(listed, before=before) if each not in used]
    for each in old:
        sagemaker.delete_endpoint_config(EndpointConfigName=each)
    return len(old)


def remove_models(prefix: str, *, before: datetime, needed: Needed, sagemaker: Any) -> int:
    """Delete the models, made before a time, that no version, configuration or unfinished run names; how many."""
    served = set(_served(prefix, sagemaker=sagemaker))
    old = [
        each["ModelName"]
        for each in _listed("list_models", "Models", start=f"{prefix}-model-", sagemaker=sagemaker)
        if each["CreationTime"] < before
        and each["ModelName"] not in served | needed.models
        and not needed.unfinished & set(each["ModelName"].split("-"))
    ]
    for each in old:
        sagemaker.delete_model(ModelName=each)
    return len(old)


def _replaced(configurations: Iterable[Mapping[str, Any]], *, before: datetime) -> Iterator[str]:
    """Those made before a time, and their endpoint's next as well: a deployment that fails goes back to the last."""
    following: dict[str, datetime] = {}
    for each in sorted(configurations, key=lambda each: each["CreationTime"], reverse=True):
        endpoint, made = each["EndpointConfigName"].rpartition("-")[0], each["CreationTime"]
        if max(made, following.get(endpoint, made)) < before:
            yield each["EndpointConfigName"]
        following[endpoint] = made


def _used(prefix: str, *, sagemaker: Any) -> Iterator[str]:
    """The configurations that endpoints have, or are getting."""
    for each in _listed("list_endpoints", "Endpoints", start=f"{prefix}-", sagemaker=sagemaker):
        described = sagemaker.describe_endpoint(EndpointName=each["EndpointName"])
        yield described["EndpointConfigName"]
        if "PendingDeploymentSummary" in described:
            yield described["PendingDeploymentSummary"]["EndpointConfigName"]


def _served(prefix: str, *, sagemaker: Any) -> Iterator[str]:
    for each in _listed("list_endpoint_configs", "EndpointConfigs", start=f"{prefix}-", sagemaker=sagemaker):
        described = sagemaker.describe_endpoint_config(EndpointConfigName=each["EndpointConfigName"])
        variants = (*described["ProductionVariants"], *described.get("ShadowProductionVariants", ()))
        yield from (each["ModelName"] for each in variants if "ModelName" in each)


def _listed(operation: str, key: str, *, start: str, sagemaker: Any) -> Iterator[Mapping[str, Any]]:
    name = {"Endpoints": "EndpointName", "EndpointConfigs": "EndpointConfigName", "Models": "ModelName"}[key]
    for page in sagemaker.get_paginator(operation).paginate(NameContains=start):
        yield from (each for each in page[key] if each[name].startswith(start))
