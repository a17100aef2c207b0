"""Which container images go: those of this environment that nothing can run any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from trainyard.errors import TrainyardError
from trainyard.stages.tidy_up.images import naming, remove_images

REPOSITORY, PREFIX = "cdk-assets", "trainyard-dev"
MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:m"
LATER = datetime.now(UTC) + timedelta(days=31)


def tag(name: str, *, prefix: str = PREFIX) -> str:
    return f"{prefix}-{name * 64}"


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("ecr", region_name="us-east-1")
        client.create_repository(repositoryName=REPOSITORY)
        yield client


def push(ecr: Any, *tags: str) -> None:
    """One image with these tags."""
    media = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": media, "config": {"digest": tags[0]}, "layers": []})
    for each in tags:
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=manifest, imageTag=each)


def left(ecr: Any) -> set[str]:
    images = ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    return {each for image in images for each in image.get("imageTags", ())}


def test_images_go_that_nothing_names_and_those_of_others_stay(ecr: Any) -> None:
    promoted, others = tag("d", prefix="trainyard-prod"), ("somebody-elses", f"{PREFIX}-by-hand")
    push(ecr, tag("a"))
    push(ecr, tag("b"))
    push(ecr, tag("d"), promoted)
    push(ecr, others[0])
    push(ecr, others[1])
    named = {f"111122223333.dkr.ecr.us-east-1.amazonaws.com/{REPOSITORY}:{tag('b')}"}
    assert remove_images(REPOSITORY, prefix=PREFIX, before=LATER, named=named, ecr=ecr) == 2
    assert left(ecr) == {tag("b"), promoted, *others}


def test_what_was_pushed_lately_stays(ecr: Any) -> None:
    push(ecr, tag("a"))
    before = datetime.now(UTC) - timedelta(days=1)
    assert remove_images(REPOSITORY, prefix=PREFIX, before=before, named=set(), ecr=ecr) == 0


def test_a_repository_that_refuses_fails_the_call(ecr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    push(ecr, tag("a"))
    failure = {"failures": [{"failureReason": "in use"}]}
    monkeypatch.setattr(ecr, "batch_delete_image", lambda **_: failure)
    with pytest.raises(TrainyardError, match="Expected to delete an image: in use"):
        remove_images(REPOSITORY, prefix=PREFIX, before=LATER, named=set(), ecr=ecr)


class World:
    """A machine with one earlier version, and a model, each with an image of its own."""

    def list_state_machine_versions(self, **_: Any) -> dict[str, Any]:
        return {"stateMachineVersions": [{"stateMachineVersionArn": f"{MACHINE}:1"}]}

    def describe_state_machine(self, *, stateMachineArn: str) -> dict[str, str]:
        return {"definition": json.dumps({"ImageUri": "old" if stateMachineArn.endswith(":1") else "new"})}

    def get_paginator(self, _operation: str) -> World:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield {"Models": [{"ModelName": "trainyard-dev-model-1"}]}

    def describe_model(self, **_: Any) -> dict[str, Any]:
        return {"PrimaryContainer": {"Image": "served"}}


def test_machine_versions_and_models_name_images() -> None:
    texts = list(naming(MACHINE, prefix=PREFIX, states=World(), sagemaker=World()))
    assert texts == ['{"ImageUri": "new"}', '{"ImageUri": "old"}', "served"]
