"""What the daily tidying removes, and that it leaves everything that somebody may still ask for."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.logs.models import logs_backends

from lambdas import tidy_up
from tests.lambdas.conftest import ARTIFACTS, LEDGER
from trainyard.run.naming import execution_mark
from trainyard.stages.tidy_up.needed import Needed, needed
from trainyard.stages.tidy_up.unused import remove_configurations, remove_models

PREFIX = "trainyard-test"
ENDED, RUNNING = "20261001-024833-1a2b3c4d", "20261001-034833-{mark}"
LEFT_OVER = {
    "ingest/orders/part-0.parquet",
    "ingest/rejected/orders.csv",
    "prepare/baskets/part-0.parquet",
    "process/train/tokens.npy",
    "process/features/vocabulary.txt",
    "train/checkpoints/epoch-3/weights.h5",
    "tune/checkpoints/job-1/weights.h5",
    "tune/job-1/output/model.tar.gz",
    "tune/job-1/output/output.tar.gz",
}
KEPT = {
    "resolve/run.json",
    "ingest/quality.json",
    "prepare/summary.json",
    "tune/analysis/jobs.csv",
    "tune/job-2/output/model.tar.gz",
    "tune/job-3/output/model.tar.gz",
    "train/job/output/model.tar.gz",
    "evaluate/evaluation.json",
    "report/index.html",
    "score/summary.json",
}


@pytest.fixture
def world(aws, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A run that ended and one that goes on, with all that runs leave; everything counts as old."""
    for name, value in {"PREFIX": PREFIX, "KEEP_DAYS": "-1", "LOG_DAYS": "7"}.items():
        monkeypatch.setenv(name, value)
    role = "arn:aws:iam::123456789012:role/any"
    states = boto3.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    machine = states.create_state_machine(name="m", definition=definition, roleArn=role)["stateMachineArn"]
    monkeypatch.setenv("MACHINE_ARN", machine)
    running = RUNNING.format(mark=execution_mark(states.start_execution(stateMachineArn=machine)["executionArn"]))
    for run in (ENDED, running):
        for path in LEFT_OVER | KEPT:
            aws.put_object(Bucket=ARTIFACTS, Key=f"prod2vec/{run}/{path}", Body=b"12345")
    aws.put_object(Bucket=ARTIFACTS, Key="scores/prod2vec/model=prod2vec/run=r/part-0.parquet", Body=b"1")
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=f"{PREFIX}-prod2vec")
    _register(sagemaker, f"s3://{ARTIFACTS}/prod2vec/{ENDED}/tune/job-2/output/model.tar.gz", model="registered")
    boto3.client("dynamodb").put_item(
        TableName=LEDGER,
        Item={
            "id": {"S": "champion/prod2vec"},
            "model_data": {"S": f"s3://{ARTIFACTS}/prod2vec/{ENDED}/tune/job-3/output/model.tar.gz"},
            "model_name": {"S": f"{PREFIX}-model-champion"},
        },
    )
    # moto does not know versions of state machines: test_tidy_up_versions.py.
    monkeypatch.setattr(tidy_up, "remove_versions", lambda *_, **__: 0)
    monkeypatch.setattr(tidy_up, "naming", lambda *_, **__: [])
    monkeypatch.setenv("IMAGE_REPOSITORY", "images")
    boto3.client("ecr").create_repository(repositoryName="images")
    tidy_up._client.cache_clear()
    yield {"s3": aws, "sagemaker": sagemaker, "states": states, "running": running, "role": role}
    tidy_up._client.cache_clear()


def _register(sagemaker: Any, data: str, *, model: str, approval: str = "Rejected") -> None:
    sagemaker.create_model_package(
        ModelPackageGroupName=f"{PREFIX}-prod2vec",
        ModelApprovalStatus=approval,
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": data}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        CustomerMetadataProperties={"model": f"{PREFIX}-model-{model}", "run": data.split("/")[4]},
    )


def _paths(world: dict[str, Any], run: str) -> set[str]:
    listed = world["s3"].list_objects_v2(Bucket=ARTIFACTS, Prefix=f"prod2vec/{run}/")["Contents"]
    return {each["Key"].removeprefix(f"prod2vec/{run}/") for each in listed}


def test_what_lies_between_files_and_model_goes_and_models_documents_and_pages_stay(world) -> None:
    gone = tidy_up.handler({}, None)
    assert _paths(world, ENDED) == KEPT
    assert _paths(world, world["running"]) == KEPT | LEFT_OVER
    assert (gone["objects"], gone["bytes"]) == (len(LEFT_OVER), 5 * len(LEFT_OVER))
    assert world["s3"].list_objects_v2(Bucket=ARTIFACTS, Prefix="scores/")["KeyCount"] == 1
    assert tidy_up.handler({}, None)["objects"] == 0


def test_a_version_that_waits_for_approval_keeps_the_data_that_it_will_be_compared_on(world) -> None:
    data = f"s3://{ARTIFACTS}/prod2vec/{ENDED}/train/job/output/model.tar.gz"
    _register(world["sagemaker"], data, model="waiting", approval="PendingManualApproval")
    assert tidy_up.handler({}, None)["objects"] == 0
    assert _paths(world, ENDED) == KEPT | LEFT_OVER


def _unfinished(world: dict[str, Any], *, hours: int) -> frozenset[str]:
    """As they are known by a tidying that takes what is `hours` old or older."""
    return needed(
        PREFIX,
        before=datetime.now(UTC) - timedelta(hours=hours),
        machine_arn=os.environ["MACHINE_ARN"],
        ledger_table=LEDGER,
        sagemaker=world["sagemaker"],
        dynamodb=boto3.client("dynamodb"),
        states=world["states"],
    ).unfinished


def test_a_run_that_failed_after_days_of_work_keeps_what_a_redrive_reads(world) -> None:
    failed = world["states"].start_execution(stateMachineArn=os.environ["MACHINE_ARN"], name="failed")["executionArn"]
    world["states"].stop_execution(executionArn=failed)
    assert execution_mark(failed) in _unfinished(world, hours=1)
    assert execution_mark(failed) not in _unfinished(world, hours=-1)


def test_a_version_that_was_approved_lately_keeps_what_the_execution_of_its_approval_reads(world) -> None:
    data = f"s3://{ARTIFACTS}/prod2vec/{ENDED}/train/job/output/model.tar.gz"
    _register(world["sagemaker"], data, model="waiting", approval="PendingManualApproval")
    versions = world["sagemaker"].list_model_packages(ModelPackageGroupName=f"{PREFIX}-prod2vec")
    [waiting] = [
        each["ModelPackageArn"]
        for each in versions["ModelPackageSummaryList"]
        if each["ModelApprovalStatus"] == "PendingManualApproval"
    ]
    world["sagemaker"].update_model_package(ModelPackageArn=waiting, ModelApprovalStatus="Approved")
    mark = ENDED.rpartition("-")[2]
    assert mark in _unfinished(world, hours=1)
    assert mark not in _unfinished(world, hours=-1)


def test_what_was_deleted_can_be_had_back_for_a_time(world) -> None:
    tidy_up.handler({}, None)
    key = f"prod2vec/{ENDED}/process/train/tokens.npy"
    versions = world["s3"].list_object_versions(Bucket=ARTIFACTS, Prefix=key)
    assert len(versions["Versions"]) == len(versions["DeleteMarkers"]) == 1


def test_nothing_goes_that_is_younger_than_the_settings_say(world, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_DAYS", "17")
    assert set(tidy_up.handler({}, None).values()) == {0}
    assert _paths(world, ENDED) == KEPT | LEFT_OVER


def test_a_bucket_that_refuses_fails_the_call(world, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"Errors": [{"Key": "k", "Code": "AccessDenied", "Message": "no"}]}
    monkeypatch.setattr(tidy_up._client("s3"), "delete_objects", lambda **_: answer)
    with pytest.raises(Exception, match="Expected to delete k: no"):
        tidy_up.handler({}, None)


def test_configurations_and_models_go_that_nothing_names(world) -> None:
    sagemaker = world["sagemaker"]
    names = {"served", "registered", "champion", "forgotten", f"{world['running']}-ab12cd34"}
    for each in [*(f"{PREFIX}-model-{name}" for name in names), "trainyard-other-model-1"]:
        sagemaker.create_model(
            ModelName=each, ExecutionRoleArn=world["role"], PrimaryContainer={"Image": "i", "ModelDataUrl": "s3://b/m"}
        )
    for name, model in (("a", "served"), ("b", "forgotten")):
        variant = {"VariantName": "model", "ModelName": f"{PREFIX}-model-{model}", "InitialVariantWeight": 1}
        variant |= {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=f"{PREFIX}-prod2vec-{name}", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=f"{PREFIX}-prod2vec", EndpointConfigName=f"{PREFIX}-prod2vec-a")
    gone = tidy_up.handler({}, None)
    configurations = [each["EndpointConfigName"] for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]]
    assert configurations == [f"{PREFIX}-prod2vec-a"]
    left = {each["ModelName"] for each in sagemaker.list_models()["Models"]}
    assert left == {"trainyard-other-model-1", *(f"{PREFIX}-model-{name}" for name in names - {"forgotten"})}
    assert (gone["configurations"], gone["models"]) == (1, 1)


class Shadowed:
    """SageMaker with a configuration in which one model is in the shadow of another, and with a third model."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def get_paginator(self, _: str) -> Shadowed:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        made = datetime.now(UTC) - timedelta(days=90)
        models = [{"ModelName": f"{PREFIX}-model-{each}", "CreationTime": made} for each in ("a", "b", "c")]
        return [{"EndpointConfigs": [{"EndpointConfigName": f"{PREFIX}-e-1", "CreationTime": made}], "Models": models}]

    def describe_endpoint_config(self, **_: str) -> dict[str, Any]:
        production, shadow = ([{"ModelName": f"{PREFIX}-model-{each}"}] for each in ("a", "b"))
        return {"ProductionVariants": production, "ShadowProductionVariants": shadow}

    def delete_model(self, *, ModelName: str) -> None:
        self.deleted.append(ModelName)


def test_a_model_that_answers_in_a_shadow_alone_stays() -> None:
    nothing = Needed(archives=frozenset(), images=frozenset(), models=frozenset(), unfinished=frozenset())
    sagemaker = Shadowed()
    assert remove_models(PREFIX, before=datetime.now(UTC), needed=nothing, sagemaker=sagemaker) == 1
    assert sagemaker.deleted == [f"{PREFIX}-model-c"]


class Endpoints:
    """SageMaker with the endpoint `e`, in service with `e-2`, and configurations made so many days ago."""

    def __init__(self, ages: dict[str, int]) -> None:
        self._ages = ages
        self.deleted: set[str] = set()

    def get_paginator(self, operation: str) -> Endpoints:
        self._operation = operation
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        made = {name: datetime.now(UTC) - timedelta(days=days) for name, days in self._ages.items()}
        configurations = [{"EndpointConfigName": name, "CreationTime": each} for name, each in made.items()]
        return [{"Endpoints": [{"EndpointName": f"{PREFIX}-e"}], "EndpointConfigs": configurations}]

    def describe_endpoint(self, **_: str) -> dict[str, str]:
        return {"EndpointConfigName": f"{PREFIX}-e-2"}

    def delete_endpoint_config(self, *, EndpointConfigName: str) -> None:
        self.deleted.add(EndpointConfigName.removeprefix(f"{PREFIX}-"))


@pytest.mark.parametrize(
    ("ages", "deleted"),
    [
        ({"e-0": 90, "e-1": 60, "e-2": 0, "gone-1": 60}, {"e-0", "gone-1"}),
        ({"e-0": 90, "e-1": 60, "e-2": 40}, {"e-0", "e-1"}),
        ({"e-1": 60, "e-2": 90, "e-3": 0, "other-1": 0}, set()),
    ],
    ids=["a deployment that may still go back", "a deployment of long ago", "a deployment that was taken back"],
)
def test_the_configuration_that_a_deployment_may_go_back_to_stays(ages: dict[str, int], deleted: set[str]) -> None:
    sagemaker = Endpoints({f"{PREFIX}-{name}": days for name, days in ages.items()})
    removed = remove_configurations(PREFIX, before=datetime.now(UTC) - timedelta(days=30), sagemaker=sagemaker)
    assert (sagemaker.deleted, removed) == (deleted, len(deleted))


def test_old_logs_of_this_environments_jobs_go_and_endpoints_forget(world) -> None:
    logs = boto3.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    logs.create_log_group(logGroupName=group)
    now = int(time.time() * 1000)
    for name, age in (
        (f"{PREFIX}-train-1/algo", 10),
        (f"{PREFIX}-train-2/algo", 1),
        ("trainyard-prod-train-1/algo", 10),
    ):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        event = {"timestamp": now - age * 24 * 3600 * 1000 + 1000, "message": "x"}
        logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=[event])
    for name in (f"/aws/sagemaker/Endpoints/{PREFIX}-prod2vec", "/aws/sagemaker/Endpoints/other"):
        logs.create_log_group(logGroupName=name)
    gone = tidy_up.handler({}, None)
    left = {each["logStreamName"] for each in logs.describe_log_streams(logGroupName=group)["logStreams"]}
    groups = {each["logGroupName"]: each.get("retentionInDays") for each in logs.describe_log_groups()["logGroups"]}
    assert f"{PREFIX}-train-2/algo" in left
    assert "trainyard-prod-train-1/algo" in left
    assert f"{PREFIX}-train-1/algo" not in left
    assert groups[f"/aws/sagemaker/Endpoints/{PREFIX}-prod2vec"] == 7
    assert groups["/aws/sagemaker/Endpoints/other"] is None
    assert (gone["log_streams"], gone["bound_log_groups"]) == (1, 1)
    assert tidy_up.handler({}, None)["bound_log_groups"] == 0


def test_logs_of_endpoints_that_are_gone_go_once_their_last_line_is_old(world) -> None:
    logs, sagemaker = boto3.client("logs"), world["sagemaker"]
    now, day = int(time.time() * 1000), 24 * 3600 * 1000
    endpoints = {"served": (10,), "served-0a1b2c3d": (10, 9), "removed-lately": (10, 1), "made-lately": ()}
    for name, days in endpoints.items():
        group = f"/aws/sagemaker/Endpoints/{PREFIX}-{name}"
        logs.create_log_group(logGroupName=group)
        for each in days:
            logs.create_log_stream(logGroupName=group, logStreamName=f"model/{each}")
            event = {"timestamp": now - each * day, "message": "x"}
            logs.put_log_events(logGroupName=group, logStreamName=f"model/{each}", logEvents=[event])
        # As moto has moments: of UTC, without saying so.
        made = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=30 if days else 1)
        logs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].groups[group].creation_time = made
    variant = {"VariantName": "model", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=world["role"])
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=f"{PREFIX}-served", EndpointConfigName="c")
    gone = tidy_up.handler({}, None)
    left = {each["logGroupName"].rpartition("/")[2] for each in logs.describe_log_groups()["logGroups"]}
    assert left == {f"{PREFIX}-{each}" for each in endpoints if each != "served-0a1b2c3d"}
    assert (gone["log_groups"], gone["bound_log_groups"]) == (1, 3)
