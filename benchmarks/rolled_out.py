"""What a roll-out under load needs beside its callers: alarms, the steps, and a version that fails every request."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import numpy as np

from trainyard.client.deployment import Deployment
from trainyard.errors import NotFound
from trainyard.run.naming import alarm_names

INSTANCES, SHARE_PERCENT = 4, 25
MOST_ERRORS, MOST_LATENCY_MS = 0.01, 2000
# Which products are like which, in a model of prod2vec; those of a bad version name products that are not there.
NEIGHBOURS = "neighbours.npz"
NOWHERE = 2**31 - 1
# As many neighbours of a product are asked for when a service starts: without them it would not.
TRIED = 5


def config(kind: Literal["canary", "linear"], name: str, *, wait_seconds: int) -> dict[str, Any]:
    """The DeploymentConfig of an update of the endpoint `name`."""
    size = {"canary": "CanarySize", "linear": "LinearStepSize"}[kind]
    routing = {
        "Type": kind.upper(),
        "WaitIntervalInSeconds": wait_seconds,
        size: {"Type": "CAPACITY_PERCENT", "Value": SHARE_PERCENT},
    }
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": each} for each in alarm_names(name)]},
    }


@contextmanager
def alarms(deployment: Deployment, name: str, *, configuration: str) -> Iterator[None]:
    """The alarms that the state machine makes for a new configuration; `endpoints.remove` takes them away."""
    cloudwatch = deployment.target.client("cloudwatch")
    errors, latency = alarm_names(name)
    rules: dict[str, dict[str, Any]] = {
        errors: {"MetricName": "Invocation5XXErrors", "Statistic": "Average", "Threshold": MOST_ERRORS},
        latency: {"MetricName": "ModelLatency", "ExtendedStatistic": "p99", "Threshold": 1000.0 * MOST_LATENCY_MS},
    }
    fleet = {"EndpointName": name, "VariantName": "model", "EndpointConfigName": configuration}
    for alarm, rule in rules.items():
        cloudwatch.put_metric_alarm(
            AlarmName=alarm,
            Namespace="AWS/SageMaker",
            Dimensions=[{"Name": key, "Value": value} for key, value in fleet.items()],
            Period=60,
            EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
            **rule,
        )
    yield


@contextmanager
def bad_model(deployment: Deployment, model: str) -> Iterator[str]:
    """A model like another one of prod2vec that starts and fails every `request`; gone at the end.

    Raises NotFound for a model without neighbours.
    """
    sagemaker, s3 = deployment.target.client("sagemaker"), deployment.target.client("s3")
    described = sagemaker.describe_model(ModelName=model)
    container = described["PrimaryContainer"]
    address = urlsplit(container["ModelDataUrl"])
    bucket, key = address.netloc, address.path.lstrip("/")
    broken, name = f"{key.rpartition('/')[0]}/bad/model.tar.gz", f"{model}-bad"[-63:].lstrip("-")
    archive = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=broken, Body=_without_neighbours(archive))
    try:
        sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=described["ExecutionRoleArn"],
            PrimaryContainer={
                "Image": container["Image"],
                "ModelDataUrl": f"s3://{bucket}/{broken}",
                "Environment": container.get("Environment", {}),
            },
        )
        yield name
    finally:
        sagemaker.delete_model(ModelName=name)
        s3.delete_object(Bucket=bucket, Key=broken)


def request(body: bytes) -> bytes:
    """A kept request for products like one, for more of them than a bad version knows."""
    return json.dumps({"instances": [{**each, "count": 2 * TRIED} for each in json.loads(body)["instances"]]}).encode()


def _without_neighbours(archive: bytes) -> bytes:
    written, found = io.BytesIO(), False
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as source,
        tarfile.open(fileobj=written, mode="w:gz") as target,
    ):
        for member in source.getmembers():
            content = source.extractfile(member)
            body = content.read() if content else b""
            if member.name.endswith(NEIGHBOURS):
                body, found = _nowhere(body), True
                member.size = len(body)
            target.addfile(member, io.BytesIO(body))
    if not found:
        raise NotFound(f"Expected {NEIGHBOURS} in the model, found none; take a model of prod2vec.")
    return written.getvalue()


def _nowhere(content: bytes) -> bytes:
    changed = io.BytesIO()
    with np.load(io.BytesIO(content)) as saved:
        arrays = {name: saved[name] for name in saved.files}
    arrays["indices"] = arrays["indices"].copy()
    arrays["indices"][:, TRIED:] = NOWHERE
    np.savez(changed, **arrays)
    return changed.getvalue()
