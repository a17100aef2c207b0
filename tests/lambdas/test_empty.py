"""The function that empties what a deleted stack holds: what it removes, when it leaves all alone, what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from lambdas import empty
from trainyard.stages.empty import stack_request

BUCKET, GROUP = "trainyard-dev-data-raw", "trainyard-dev-prod2vec"
TLS = {"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}"}
POLICY = {"Version": "2012-10-17", "Statement": [TLS]}


class World:
    """A bucket with versions, a group with packages, a stack in some state, and what CloudFormation was told."""

    def __init__(self) -> None:
        self.status = "DELETE_IN_PROGRESS"
        self.packages = [f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{GROUP}/{each}" for each in (1, 2)]
        self.answers: list[dict[str, Any]] = []
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
        for body in (b"first", b"second"):
            self.s3.put_object(Bucket=BUCKET, Key="raw/prod2vec/orders.csv", Body=body)
        self.s3.delete_object(Bucket=BUCKET, Key="raw/prod2vec/orders.csv")

    def client(self, service: str) -> Any:
        return self.s3 if service == "s3" else self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        return {"Stacks": [{"StackName": StackName, "StackStatus": self.status}]}

    def get_paginator(self, operation: str) -> World:
        assert operation == "list_model_packages"
        return self

    def paginate(self, ModelPackageGroupName: str) -> Iterator[dict[str, Any]]:
        if ModelPackageGroupName != GROUP:
            error = {
                "Code": "ValidationException",
                "Message": f"ModelPackageGroup {ModelPackageGroupName} does not exist.",
            }
            raise ClientError({"Error": error}, "ListModelPackages")  # fmt: skip
        yield {"ModelPackageSummaryList": [{"ModelPackageArn": each} for each in self.packages]}

    def delete_model_package(self, ModelPackageName: str) -> None:
        self.packages = [each for each in self.packages if each != ModelPackageName]

    def versions(self) -> int:
        page = self.s3.list_object_versions(Bucket=BUCKET)
        return len([*page.get("Versions", ()), *page.get("DeleteMarkers", ())])

    def ask(self, kind: str, **properties: list[str]) -> dict[str, Any]:
        event = {
            "RequestType": kind,
            "ResponseURL": "https://cloudformation.example/answer",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/trainyard-dev-data/1",
            "RequestId": "r-1",
            "LogicalResourceId": "Contents",
            "ResourceProperties": {"Buckets": [BUCKET], "Groups": [GROUP], **properties},
            **({} if kind == "Create" else {"PhysicalResourceId": "Contents"}),
        }
        empty.handler(event, None)
        return self.answers[-1]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")

    class Answered:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    with mock_aws():
        made = World()

        def put(request: Any, **_: Any) -> Answered:
            assert (request.get_method(), request.get_header("Content-type")) == ("PUT", "")
            made.answers.append(json.loads(request.data))
            return Answered()

        monkeypatch.setattr(stack_request, "urlopen", put)
        monkeypatch.setattr(empty, "_client", made.client)
        yield made


def test_a_deleted_stack_is_emptied_and_nothing_can_be_written_meanwhile(world: World) -> None:
    answer = world.ask("Delete", Buckets=[BUCKET, "gone"], Groups=[GROUP, "gone"])
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "Contents")
    assert (world.versions(), world.packages) == (0, [])
    statements = json.loads(world.s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert statements[0] == TLS
    assert (statements[1]["Effect"], statements[1]["Action"]) == ("Deny", "s3:PutObject")
    # CloudFormation asks again where it did not hear the answer.
    assert world.ask("Delete")["Status"] == "SUCCESS"
    assert len(json.loads(world.s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]) == 2


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("Create", "CREATE_IN_PROGRESS"),
        ("Update", "UPDATE_IN_PROGRESS"),
        # It was only taken out of the template: the environment keeps its data from now on.
        ("Delete", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
    ],
)
def test_a_stack_that_stays_keeps_everything(world: World, kind: str, status: str) -> None:
    world.status = status
    assert world.ask(kind)["Status"] == "SUCCESS"
    assert (world.versions(), len(world.packages)) == (3, 2)


def test_a_failure_is_answered_too_for_cloudformation_waits_an_hour(world: World) -> None:
    world.status = "DELETE_IN_PROGRESS"

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DeleteModelPackage")

    world.delete_model_package = refuse  # type: ignore[method-assign]
    answer = world.ask("Delete")
    assert answer["Status"] == "FAILED"
    assert "not you" in answer["Reason"]
    assert "trainyard destroy" in answer["Reason"]
