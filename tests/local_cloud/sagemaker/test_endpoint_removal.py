"""Endpoints are deleted by the commands' own code while they are made or updated, where the service refuses it."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from trainyard.client.model import endpoint_removal
from trainyard.client.session import Target

from ..tiny_images import unique
from .test_roll_out import guardrails
from .tiny_models import Host


def test_endpoints_that_are_made_updated_or_gone_are_removed(host: Host) -> None:
    prefix = unique("removal")
    made, updated, gone = (f"{prefix}-{each}" for each in ("made", "updated", "gone"))
    host.client.create_endpoint(EndpointName=updated, EndpointConfigName=host.config("ready"))
    assert host.settled(updated)["EndpointStatus"] == "InService"
    following, first = host.config("ready"), host.config("ready")
    host.client.update_endpoint(
        EndpointName=updated, EndpointConfigName=following, DeploymentConfig=guardrails("ALL_AT_ONCE", wait=2)
    )
    host.client.create_endpoint(EndpointName=made, EndpointConfigName=first)
    for each in (made, updated):
        with pytest.raises(ClientError, match="in-progress"):
            host.client.delete_endpoint(EndpointName=each)
    told: list[str] = []
    target = Target(session=boto3.Session(region_name="us-east-1"), local=True, _clients={"sagemaker": host.client})
    endpoint_removal.delete(target, [made, updated, gone], prefix=f"{prefix}-", tell=told.append)
    assert told == [
        f"Endpoint {made} is Creating: it is deleted as soon as that is over.",
        f"Endpoint {updated} is Updating: it is deleted as soon as that is over.",
    ]
    assert host.client.list_endpoints(NameContains=prefix)["Endpoints"] == []
