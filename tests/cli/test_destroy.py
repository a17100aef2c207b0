"""`destroy` against an environment in moto: what it says, what it removes, what it refuses and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sagemaker.models import sagemaker_backends

from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client.model import endpoint_removal
from trainyard.client.session import Target

BUCKET = "trainyard-dev-data-raw"
ROLE = "arn:aws:iam::123456789012:role/model"
DATA, WORKFLOW = "trainyard-dev-data", "trainyard-dev-workflow"


class Stacks:
    """The little of CloudFormation that is asked; like it, it deletes a bucket only when nothing is in it."""

    def __init__(self, s3: Any) -> None:
        self.alive = {DATA: False, WORKFLOW: False}
        self.policy = ""
        self.s3 = s3

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if StackName not in self.alive:
            error = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        protected = self.alive[StackName]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "EnableTerminationProtection": protected}]}

    def get_paginator(self, operation: str) -> Stacks:
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:
        bucket = {"ResourceType": "AWS::S3::Bucket", "PhysicalResourceId": BUCKET, "ResourceStatus": "CREATE_COMPLETE"}
        return [{"StackResourceSummaries": [bucket] if StackName == DATA else []}]

    def update_termination_protection(self, EnableTerminationProtection: bool, StackName: str) -> None:
        self.alive[StackName] = EnableTerminationProtection

    def delete_stack(self, StackName: str) -> None:
        assert not self.alive.pop(StackName)
        if StackName == DATA:
            self.policy = self.s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
            self.s3.delete_bucket(Bucket=BUCKET)


class World:
    """Two environments of the project, and a model of somebody else; moto deletes no registry groups."""

    def __init__(self) -> None:
        self.session = boto3.Session(region_name="us-east-1")
        self.target = Target(session=self.session, local=True)
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.stacks = self.target._clients["cloudformation"] = Stacks(self.client("s3"))
        for env in ("dev", "other"):
            self._models(env)
        for name in ("dev-model", "dev-model-forecast"):
            self.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=ROLE)

    def client(self, name: str):
        return self.session.client(name)

    def _models(self, env: str) -> None:
        sagemaker, name = self.client("sagemaker"), f"trainyard-{env}-prod2vec"
        model = f"trainyard-{env}-model-20261121-024833-1a2b3c4d-9f8e7d6c"
        sagemaker.create_model(ModelName=model, ExecutionRoleArn=ROLE)
        variant = {"VariantName": "model", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=f"{name}-0a1b2c3d", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-0a1b2c3d")
        # Of an endpoint that is gone.
        self.client("logs").create_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{name}-0a1b2c3d")
        rule = {"Statistic": "Average", "Period": 60, "EvaluationPeriods": 1, "Threshold": 0.01}
        # More than CloudWatch deletes at a time; the endpoints of most are gone already.
        for alarm in (f"{name}-errors", *(f"trainyard-{env}-old-{number}-latency" for number in range(100))):
            self.client("cloudwatch").put_metric_alarm(
                AlarmName=alarm,
                Namespace="AWS/SageMaker",
                MetricName="Invocation5XXErrors",
                ComparisonOperator="GreaterThanThreshold",
                **rule,
            )

    def names(self) -> set[str]:
        """Everything of SageMaker and CloudFormation that there is."""
        sagemaker = self.client("sagemaker")
        return {
            *(each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]),
            *(each["ModelName"] for each in sagemaker.list_models()["Models"]),
            *(each["EndpointConfigName"] for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]),
            *(each["AlarmName"] for each in self.client("cloudwatch").describe_alarms()["MetricAlarms"]),
            *(each["logGroupName"] for each in self.client("logs").describe_log_groups()["logGroups"]),
            *self.stacks.alive,
        }


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        made = World()
        monkeypatch.setattr(target, "connect", lambda **_: made.target)
        yield made


def test_all_of_an_environment_goes_and_nothing_of_another(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    s3 = world.client("s3")
    for body in (b"first", b"second"):
        s3.put_object(Bucket=BUCKET, Key="raw/prod2vec/a/orders.csv", Body=body)
    s3.delete_object(Bucket=BUCKET, Key="raw/prod2vec/a/orders.csv")
    others = {each for each in world.names() if "trainyard-dev-" not in each}
    assert main(["destroy", "--yes"]) == 0
    assert world.names() == others
    said = capsys.readouterr().out
    assert "1 endpoints, whose callers get errors from then on" in said
    assert f"Bucket {BUCKET} is empty: 3 versions removed." in said
    assert "BucketIsBeingDeleted" in world.stacks.policy
    assert BUCKET not in {each["Name"] for each in s3.list_buckets()["Buckets"]}
    assert main(["destroy", "--yes"]) == 4
    assert "found nothing of it" in capsys.readouterr().err


def test_endpoints_that_are_being_made_or_updated_are_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, made = "trainyard-dev-prod2vec", world.client("sagemaker")
    endpoints = sagemaker_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].endpoints
    [endpoint] = [each for each in endpoints.values() if each.endpoint_name == name]
    endpoint.endpoint_status = "Updating"
    began = made.delete_endpoint

    def delete_endpoint(EndpointName: str) -> None:
        """As SageMaker does it; moto deletes an endpoint whatever it is at."""
        if endpoint.endpoint_status == "Updating":
            error = {"Code": "ValidationException", "Message": f"Cannot update in-progress endpoint {EndpointName}."}
            raise ClientError({"Error": error}, "DeleteEndpoint")
        began(EndpointName=EndpointName)

    made.delete_endpoint = delete_endpoint
    world.target._clients["sagemaker"] = made
    monkeypatch.setattr(endpoint_removal.time, "sleep", lambda _: setattr(endpoint, "endpoint_status", "InService"))
    assert main(["destroy", "--yes"]) == 0
    said = capsys.readouterr()
    assert said.err == f"Endpoint {name} is Updating: it is deleted as soon as that is over.\n"
    assert "Endpoints and models are gone." in said.out
    assert name not in world.names()


def test_nothing_goes_before_the_environments_name_is_typed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = world.names()
    monkeypatch.setattr("typer.prompt", lambda _: "yes")
    assert main(["destroy"]) != 0
    assert world.names() == before
    monkeypatch.setattr("typer.prompt", lambda _: "dev")
    assert main(["destroy"]) == 0


def test_an_environment_that_keeps_its_data_goes_only_with_its_data(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    before = world.names()
    world.stacks.alive[DATA] = True
    assert main(["destroy", "--yes"]) == 2
    assert "With --with-data all of the above goes" in capsys.readouterr().err
    assert world.names() == before
    assert main(["destroy", "--yes", "--with-data"]) == 0
    assert not world.stacks.alive
