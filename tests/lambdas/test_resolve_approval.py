"""What an approval or a rejection leads to: Resolve looks at registry, ledger and endpoint, whatever the event says."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from lambdas import environment, resolve
from tests.cli.story import FakeRegistry
from tests.lambdas.conftest import ARTIFACTS, LEDGER
from trainyard.run import recipe
from trainyard.run.document import encoded
from trainyard.run.documents import ChampionMetrics, Comparison, Difference, Metric
from trainyard.run.run import Run

EARLIER, RUN, OTHER = (f"2026112{day}-120000-0000000{day}" for day in (1, 2, 3))
EXECUTION = {
    "arn": "arn:aws:states:us-east-1:000000000000:execution:trainyard-test-training:x",
    "name": "x",
    "started": "2026-11-25T09:00:15.100Z",
}
METRICS = {"hit_rate_at_10": Metric(value=0.2)}


@pytest.fixture
def registry(aws, monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    """Two registered versions of prod2vec; the second waits, and was compared with the first, which is in use."""
    found = FakeRegistry()
    monkeypatch.setattr(resolve, "_sagemaker", lambda: found)
    for run_id in (EARLIER, RUN):
        found.put(run_id)
        kept(aws, run_id)
    found.packages[1]["ModelApprovalStatus"] = "PendingManualApproval"
    in_use(EARLIER)
    return found


def kept(s3: Any, run_id: str) -> None:
    run = Run(
        recipe="prod2vec",
        run_id=run_id,
        dataset="d",
        execution_arn="arn:aws:states:us-east-1:000000000000:execution:training:e",
        raw_bucket="raw-bucket",
        artifacts_bucket=ARTIFACTS,
        fingerprint="f",
        code_version="1",
        files=(),
        config=encoded(recipe.config("prod2vec", {"deploy": {"type": "instances"}})),
    )
    champion = ChampionMetrics(run_id=EARLIER, metrics=METRICS, difference=Difference(value=0.1, low=0.05, high=0.2))
    for document, stage in ((run, "resolve"), (Comparison(metrics=METRICS, champion=champion), "evaluate")):
        key = f"prod2vec/{run_id}/{stage}/{document.FILE}"
        s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(document.to_mapping()))


def in_use(run_id: str, **more: str) -> None:
    texts = {"id": "champion/prod2vec", "run_id": run_id, "model_data": "s3://x", **more}
    boto3.client("dynamodb").put_item(TableName=LEDGER, Item={name: {"S": each} for name, each in texts.items()})


def set_approval(registry: FakeRegistry, run_id: str, approval: str) -> None:
    number = (EARLIER, RUN).index(run_id)
    registry.packages[number]["ModelApprovalStatus"] = approval


def resolved(
    registry: FakeRegistry, run_id: str, *, event: str = "e1", name: str = "x", **detail: Any
) -> dict[str, Any]:
    package = registry.packages[(EARLIER, RUN).index(run_id)]
    told = {key: package[key] for key in ("ModelPackageArn", "ModelApprovalStatus")}
    given = {"id": event, "detail-type": "SageMaker Model Package State Change", "detail": {**told, **detail}}
    execution = EXECUTION | {"name": name, "arn": EXECUTION["arn"].removesuffix("x") + name}
    return resolve.handler({"request": given, "execution": execution}, None)


def test_an_approved_version_is_promoted_with_the_settings_of_its_run(registry: FakeRegistry) -> None:
    set_approval(registry, RUN, "Approved")
    plan = resolved(registry, RUN)
    assert (plan["outcome"], plan["run_id"], plan["compared"], plan["model"]) == ("promote", RUN, EARLIER, "prod2vec")
    assert plan["version"]["package"] == registry.packages[1]["ModelPackageArn"]
    assert plan["version"]["data"] == f"s3://artifacts-bucket/prod2vec/{RUN}/train/job/output/model.tar.gz"
    assert plan["deploy"]["type"] == "instances"
    assert {"Key": "execution", "Value": "x"} in plan["tags"]
    assert "approval" not in plan


@pytest.mark.parametrize(
    ("approval", "used", "reason"),
    [
        ("Approved", RUN, f"version 2 of prod2vec, of run {RUN}, is in use already"),
        ("Rejected", EARLIER, f"version 2 of prod2vec, of run {RUN}, is rejected, and it is not in use"),
        ("PendingManualApproval", EARLIER, f"version 2 of prod2vec, of run {RUN}, waits for approval again"),
    ],
)
def test_a_decision_that_changes_nothing_says_so(registry: FakeRegistry, approval: str, used: str, reason: str) -> None:
    """Also what `trainyard promote` and `rollback` cause: they have written both places already."""
    set_approval(registry, RUN, approval)
    in_use(used)
    plan = resolved(registry, RUN, ModelApprovalStatus="Approved")
    assert (plan["outcome"], plan["reason"], plan["dataset"]) == ("nothing", reason, "d")


def test_an_event_that_comes_twice_is_one_executions(registry: FakeRegistry) -> None:
    set_approval(registry, RUN, "Approved")
    assert resolved(registry, RUN)["outcome"] == "promote"
    assert resolved(registry, RUN)["outcome"] == "promote", "its own execution, redriven"
    again = resolved(registry, RUN, name="y")
    assert (again["outcome"], "already works on this approval" in again["reason"]) == ("nothing", True)
    assert resolved(registry, RUN, name="y", event="e2")["outcome"] == "promote"


def test_a_note_on_an_approved_version_does_not_bring_it_back(registry: FakeRegistry) -> None:
    set_approval(registry, RUN, "Approved")
    plan = resolved(registry, RUN, UpdatedModelPackageFields=["CustomerMetadataProperties"])
    assert (plan["outcome"], "only CustomerMetadataProperties changed" in plan["reason"]) == ("nothing", True)


@pytest.mark.parametrize("served", [False, True])
def test_the_earlier_version_follows_a_rejected_one_also_behind_its_endpoint(
    registry: FakeRegistry, served: bool
) -> None:
    set_approval(registry, RUN, "Rejected")
    in_use(RUN, replaced=EARLIER)
    registry.endpoints = {"trainyard-dev-prod2vec": "model"} if served else {}
    plan = resolved(registry, RUN)
    assert (plan["outcome"], plan["run_id"], plan["version"]["run_id"]) == ("roll_back", RUN, EARLIER)
    assert plan["deploy"]["enabled"] is served
    assert ("endpoint trainyard-dev-prod2vec gets it" in plan["reason"]) is served


@pytest.mark.parametrize(
    ("carrying", "settings"),
    [
        (
            {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 3},
            {"type": "instances", "instance_type": "ml.m5.xlarge", "instance_count": 3},
        ),
        (
            {"ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 7}},
            {"type": "serverless", "memory_mb": 4096, "max_concurrency": 7},
        ),
    ],
)
def test_the_earlier_version_is_put_on_what_carries_the_endpoint_now(
    registry: FakeRegistry, carrying: dict[str, Any], settings: dict[str, Any]
) -> None:
    """A release may have chosen other machines than the run did, and instances cannot become serverless."""
    set_approval(registry, RUN, "Rejected")
    in_use(RUN, replaced=EARLIER)
    registry.endpoints, registry.carrying = {"trainyard-dev-prod2vec": "model"}, carrying
    deploy = resolved(registry, RUN)["deploy"]
    assert {name: deploy[name] for name in settings} == settings


def test_a_rejected_version_with_none_before_it_stays_in_use_and_people_hear_of_it(registry: FakeRegistry) -> None:
    for run_id in (EARLIER, RUN):
        set_approval(registry, run_id, "Rejected")
    in_use(RUN)
    plan = resolved(registry, RUN)
    assert plan["outcome"] == "refused"
    assert "Expected an approved version before it to go back to, found none; it stays in use." in plan["reason"]


def test_a_version_that_an_earlier_deployment_left_is_none_to_go_back_to(registry: FakeRegistry) -> None:
    """Its bucket is another, which Resolve may not read."""
    set_approval(registry, RUN, "Rejected")
    container = registry.packages[0]["InferenceSpecification"]["Containers"][0]
    container["ModelDataUrl"] = container["ModelDataUrl"].replace(ARTIFACTS, "bucket-of-before")
    in_use(RUN)
    plan = resolved(registry, RUN)
    assert (plan["outcome"], "found none; it stays in use" in plan["reason"]) == ("refused", True)


def test_versions_of_somebody_else_and_of_lost_runs_are_left_alone(registry: FakeRegistry, aws) -> None:
    set_approval(registry, RUN, "Approved")
    aws.delete_object(Bucket=ARTIFACTS, Key=f"prod2vec/{RUN}/resolve/request.json")
    assert "was made by no run of this workflow" in resolved(registry, RUN)["reason"]
    registry.packages[1]["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] = "s3://theirs/a/b/model.tar.gz"
    assert "was made by no run of this workflow" in resolved(registry, RUN)["reason"]


def test_a_run_whose_settings_are_no_longer_known_is_refused_with_what_to_do(registry: FakeRegistry, aws) -> None:
    set_approval(registry, RUN, "Approved")
    key = f"prod2vec/{RUN}/resolve/request.json"
    document = json.loads(aws.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    document["config"]["hyperparameters"]["of_old"] = 1
    aws.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(document))
    plan = resolved(registry, RUN)
    assert (plan["outcome"], "`trainyard promote`" in plan["reason"]) == ("refused", True)


@pytest.mark.parametrize("detail", [None, [], {"ModelPackageArn": 1}])
def test_an_event_without_a_version_is_refused(aws, detail: Any) -> None:
    given = {"detail-type": "SageMaker Model Package State Change", "detail": detail}
    plan = resolve.handler({"request": given, "execution": EXECUTION}, None)
    assert (plan["outcome"], "Expected detail.ModelPackageArn" in plan["reason"]) == ("refused", True)


@pytest.mark.parametrize("asked", ["none", "required"])
def test_a_training_knows_whether_its_model_has_to_be_approved(
    aws, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("APPROVAL", asked)
    environment.read.cache_clear()
    for name in ("order_products__prior.csv", "products.csv"):
        aws.put_object(Bucket="raw-bucket", Key=f"raw/prod2vec/d/{name}", Body=b"x")
    given = {"recipe": "prod2vec", "dataset": "d"}
    plan = resolve.handler({"request": given, "execution": EXECUTION}, None)
    assert (plan["outcome"], plan.get("approval", False)) == ("train", asked == "required")
