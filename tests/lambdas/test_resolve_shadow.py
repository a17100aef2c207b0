"""Resolve, asked to put a version into the shadow of the model in service: which one is meant, and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas import environment
from tests.cli.story import FakeRegistry
from tests.lambdas.conftest import ARTIFACTS
from tests.lambdas.test_resolve import call
from tests.lambdas.test_resolve_approval import EARLIER, RUN, in_use, kept, set_approval
from tests.lambdas.test_resolve_approval import registry as two_versions
from trainyard.run.document import decoded, encoded
from trainyard.run.watch.capture import VARIABLE, CapturePlan, CaptureRules

__all__ = ["two_versions"]
INSTANCES = {"type": "instances", "instance_count": 2}


@pytest.fixture
def registry(two_versions: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    monkeypatch.setenv("PREFIX", "trainyard-dev")
    environment.read.cache_clear()
    for each in two_versions.packages:
        each["InferenceSpecification"]["Containers"][0]["Image"] = f"images:{each['ModelPackageVersion']}"
    return two_versions


def released(version: str, **deploy: Any) -> dict[str, Any]:
    asked = {**INSTANCES, "shadow": {"version": version, "share": 0.25}, **deploy}
    return call({"recipe": "prod2vec", "dataset": "model in use", "task": "deploy", "overrides": {"deploy": asked}})


@pytest.mark.parametrize("named", ["2", RUN])
def test_a_version_is_found_by_its_number_or_its_run(registry: FakeRegistry, named: str) -> None:
    plan = released(named)
    assert plan["outcome"] == "deploy", plan["reason"]
    challenger = plan["deploy"]["challenger"]
    assert (challenger["run_id"], challenger["share"], challenger["variables"]) == (RUN, 0.25, {})
    assert challenger["data"] == f"s3://{ARTIFACTS}/prod2vec/{RUN}/train/job/output/model.tar.gz"
    assert challenger["image"] == "images:2"
    assert f"version 2 of run {RUN}, which answers copies of 25% of the requests" in challenger["sentence"]
    assert "keeps no answers" in challenger["sentence"]


def test_what_it_answers_is_kept_whole_and_apart_from_what_goes_out(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = CaptureRules(share=0.1, never_kept=("email",))
    monkeypatch.setenv("CAPTURE", json.dumps(encoded(rules)))
    environment.read.cache_clear()
    deploy = released("2")["deploy"]
    ours, beside = (
        decoded(CapturePlan, json.loads(each[VARIABLE]))
        for each in (deploy["variables"], deploy["challenger"]["variables"])
    )
    assert (ours.share, beside.share, beside.never_kept) == (0.1, 1.0, ("email",))
    assert ours.uri == f"s3://{ARTIFACTS}/captured/recipe=prod2vec/model=prod2vec"
    assert beside.uri == f"{ours.uri}.shadow"
    assert "`trainyard shadow`" in deploy["challenger"]["sentence"]


def test_a_release_without_a_version_has_no_challenger(registry: FakeRegistry) -> None:
    assert "challenger" not in released("", shadow={})["deploy"]


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("1", f"version 1 of run {EARLIER} is the one in use"),
        ("7", "found '7'; the registry has 1, 2."),
        ("20991231-000000-00000000", "has 1, 2."),
    ],
)
def test_other_versions_are_refused(registry: FakeRegistry, named: str, reason: str) -> None:
    plan = released(named)
    assert (plan["outcome"], reason in plan["reason"]) == ("refused", True), plan["reason"]


def test_a_rejected_version_is_refused(registry: FakeRegistry) -> None:
    set_approval(registry, RUN, "Rejected")
    plan = released("2")
    assert (plan["outcome"], f"version 2 of run {RUN} was rejected" in plan["reason"]) == ("refused", True)


def test_a_version_of_another_model_is_refused(registry: FakeRegistry, aws: Any) -> None:
    """The variants of a recipe share a group."""
    in_use("20261124-120000-00000004")
    key = f"prod2vec/{RUN}/resolve/request.json"
    request = json.loads(aws.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read())
    request["config"]["model"] = "shop"
    aws.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(request))
    plan = released("2")
    assert (plan["outcome"], "is one of prod2vec--shop." in plan["reason"]) == ("refused", True), plan["reason"]
    kept(aws, RUN)
    assert released("2")["outcome"] == "deploy"


def test_serverless_endpoints_have_none(registry: FakeRegistry) -> None:
    plan = released("2", type="serverless", instance_count=1)
    assert plan["outcome"] == "refused"
    assert "expected deploy.type instances for deploy.shadow.version" in plan["reason"]


def test_a_share_of_no_shadow_is_refused(registry: FakeRegistry) -> None:
    """Else who only wants another share would end the shadow."""
    plan = released("")
    assert plan["outcome"] == "refused"
    assert "expected deploy.shadow.version with deploy.shadow.share 0.25" in plan["reason"]


def test_a_training_puts_nothing_into_a_shadow(aws: Any) -> None:
    aws.put_object(Bucket="raw-bucket", Key="raw/prod2vec/d/order_products__prior.csv", Body=b"a")
    aws.put_object(Bucket="raw-bucket", Key="raw/prod2vec/d/products.csv", Body=b"a")
    deploy = {**INSTANCES, "shadow": {"version": "2"}}
    plan = call({"recipe": "prod2vec", "dataset": "d", "overrides": {"deploy": deploy}})
    assert plan["outcome"] == "refused"
    assert "only a release puts a version into the shadow" in plan["reason"]
