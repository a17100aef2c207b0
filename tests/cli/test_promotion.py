"""`models`, `rollback` and `promote`: pointer and registry always say the same, and what cannot be used is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import deployed_in_moto
from tests.cli.story import FakeRegistry, FakeStepFunctions
from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.client.model import models, promotion
from trainyard.errors import NotFound, TrainyardError
from trainyard.run.run import Run

RUNS = tuple(f"2026112{day}-120000-0000000{day}" for day in (1, 2, 3))
NEWEST = "20261124-120000-00000004"


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with deployed_in_moto(FakeStepFunctions()) as found:
        yield found


@pytest.fixture(autouse=True)
def deployed(deployment: Deployment, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three registered models of prod2vec, of which the last is in use."""
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    table = deployment.target.client("dynamodb")
    for item in table.scan(TableName="ledger")["Items"]:
        table.delete_item(TableName="ledger", Key={"id": item["id"]})
    for run_id in RUNS:
        registered(deployment, registry, run_id)
    point_to(deployment, RUNS[2])


def registered(deployment: Deployment, registry: FakeRegistry, run_id: str, **group: str) -> None:
    arn = registry.put(run_id, **group)
    key = registry.describe_model_package(ModelPackageName=arn)["InferenceSpecification"]["Containers"][0]
    put(deployment, key["ModelDataUrl"].removeprefix("s3://artifacts-bucket/"), b"archive")


def put(deployment: Deployment, key: str, content: bytes) -> None:
    deployment.target.client("s3").put_object(Bucket="artifacts-bucket", Key=key, Body=content)


def point_to(deployment: Deployment, run_id: str, model: str = "prod2vec") -> None:
    """As the state machine does before it registers the model."""
    recipe = model.partition("-")[0]
    data = f"s3://artifacts-bucket/{recipe}/{run_id}/train/job/output/model.tar.gz"
    texts = {"id": f"champion/{model}", "run_id": run_id, "model_data": data, "promoted_at": "2026-11-20T12:30:00.000Z"}
    item = {name: {"S": value} for name, value in texts.items()}
    deployment.target.client("dynamodb").put_item(TableName="ledger", Item=item)


def pointer(deployment: Deployment, model: str = "prod2vec") -> dict[str, str]:
    key = {"id": {"S": f"champion/{model}"}}
    item = deployment.target.client("dynamodb").get_item(TableName="ledger", Key=key)["Item"]
    return {name: value["S"] for name, value in item.items()}


def request_of(
    deployment: Deployment,
    recipe: str,
    *,
    run_id: str,
    config: dict[str, Any],
    execution_arn: str = "arn:aws:states:us-east-1:000000000000:execution:training:e",
) -> None:
    run = Run(
        recipe=recipe,
        run_id=run_id,
        dataset="d",
        execution_arn=execution_arn,
        raw_bucket="raw-bucket",
        artifacts_bucket="artifacts-bucket",
        fingerprint="f",
        code_version="1",
        files=(),
        config=config,
    )
    put(deployment, f"{recipe}/{run_id}/resolve/request.json", json.dumps(run.to_mapping()).encode())


def test_a_rollback_puts_the_version_before_into_use_and_rejects_the_one_that_was(
    deployment: Deployment, registry: FakeRegistry
) -> None:
    done = promotion.rollback(deployment, "prod2vec")
    assert (done.version.number, done.replaced_run, done.rejected and done.rejected.number) == (2, RUNS[2], 3)
    assert registry.approvals() == {1: "Approved", 2: "Approved", 3: "Rejected"}
    assert registry.packages[2]["ApprovalDescription"] == f"Rolled back to version 2 of run {RUNS[1]}"
    found = pointer(deployment)
    assert found["promoted_at"] > "2026-11-20T12:30:00.000Z"
    assert {**found, "promoted_at": ""} == {
        "id": "champion/prod2vec",
        "run_id": RUNS[1],
        "model_data": f"s3://artifacts-bucket/prod2vec/{RUNS[1]}/train/job/output/model.tar.gz",
        "promoted_at": "",
        "model_name": f"dev-model-{RUNS[1]}-00000000",
        "package": registry.packages[1]["ModelPackageArn"],
    }


def test_rollbacks_pass_over_what_was_rejected_until_there_is_nothing_before(
    deployment: Deployment, registry: FakeRegistry
) -> None:
    registry.packages[1]["ModelApprovalStatus"] = "Rejected"
    assert promotion.rollback(deployment, "prod2vec").version.number == 1
    with pytest.raises(NotFound, match="approved version of prod2vec older than that of run 20261121"):
        promotion.rollback(deployment, "prod2vec")
    assert registry.approvals() == {1: "Approved", 2: "Rejected", 3: "Rejected"}


def test_a_model_that_never_came_to_be_registered_is_rolled_back_too(deployment: Deployment) -> None:
    """Its execution moved the pointer, and broke off before it registered the version."""
    point_to(deployment, NEWEST)
    done = promotion.rollback(deployment, "prod2vec")
    assert (done.version.number, done.rejected) == (3, None)


def test_nothing_is_rolled_back_while_it_is_being_registered(deployment: Deployment, registry: FakeRegistry) -> None:
    """The execution has moved the pointer, and would register as approved what was rolled back."""
    states = deployment.target.client("stepfunctions")
    request_of(deployment, "prod2vec", run_id=NEWEST, config={}, execution_arn=states.put("registers"))
    point_to(deployment, NEWEST)
    with pytest.raises(TrainyardError, match=f"run {NEWEST} is registering its own just now, and nothing was changed"):
        promotion.rollback(deployment, "prod2vec")
    assert (pointer(deployment)["run_id"], set(registry.approvals().values())) == (NEWEST, {"Approved"})
    states.put("registers", status="FAILED")
    assert promotion.rollback(deployment, "prod2vec").version.number == 3


def test_a_version_that_was_registered_meanwhile_is_rejected(
    deployment: Deployment, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(deployment, NEWEST)

    def ended(found: Deployment, recipe: str, *, run_id: str) -> bool:
        registered(found, registry, run_id)
        return False

    monkeypatch.setattr(promotion, "_is_running", ended)
    done = promotion.rollback(deployment, "prod2vec")
    assert (done.version.number, done.rejected and done.rejected.number) == (3, 4)


def test_what_was_rolled_back_can_be_promoted_again_by_version_or_run(
    deployment: Deployment, registry: FakeRegistry
) -> None:
    promotion.rollback(deployment, "prod2vec", to="1")
    promotion.promote(deployment, "prod2vec", version="3")
    assert pointer(deployment)["run_id"] == RUNS[2]
    promotion.promote(deployment, "prod2vec", version=RUNS[1])
    assert (pointer(deployment)["run_id"], set(registry.approvals().values())) == (RUNS[1], {"Approved"})


@pytest.mark.parametrize(
    ("version", "kind", "said"),
    [
        ("7", NotFound, "found '7'; the registry has 1, 2, 3"),
        ("20260101-000000-00000000", NotFound, "the registry has 1, 2, 3"),
        ("3", TrainyardError, f"version 3 of run {RUNS[2]} is the model of prod2vec already"),
        ("1", NotFound, "it was removed, and the version cannot be used any more"),
    ],
)
def test_what_cannot_be_promoted_is_refused_and_changes_nothing(
    version: str, kind: type[Exception], said: str, deployment: Deployment, registry: FakeRegistry
) -> None:
    archive = f"prod2vec/{RUNS[0]}/train/job/output/model.tar.gz"
    deployment.target.client("s3").delete_object(Bucket="artifacts-bucket", Key=archive)
    with pytest.raises(kind, match=said):
        promotion.promote(deployment, "prod2vec", version=version)
    assert (pointer(deployment)["run_id"], set(registry.approvals().values())) == (RUNS[2], {"Approved"})


def test_the_loser_of_a_race_changes_nothing(
    deployment: Deployment, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(found: Deployment, version: models.Version) -> None:
        point_to(found, "20261125-120000-00000005")

    monkeypatch.setattr(promotion, "_require_archive", overtaken)
    with pytest.raises(TrainyardError, match="another was promoted just now, and nothing was changed"):
        promotion.rollback(deployment, "prod2vec")
    assert pointer(deployment)["run_id"] == "20261125-120000-00000005"
    assert set(registry.approvals().values()) == {"Approved"}


def test_variants_share_a_group_and_never_take_each_others_place(
    deployment: Deployment, registry: FakeRegistry
) -> None:
    for run_id, product in zip(RUNS, (3, 4, 3), strict=True):
        registered(deployment, registry, run_id, recipe="propensity", group="trainyard-dev-propensity")
        request_of(deployment, "propensity", run_id=run_id, config={"data": {"product_id": product}})
    point_to(deployment, RUNS[2], "propensity-product-3")
    assert promotion.rollback(deployment, "propensity", variant="product-3").version.run_id == RUNS[0]
    assert promotion.promote(deployment, "propensity", version="2").name == "propensity-product-4"
    with pytest.raises(TrainyardError, match="Expected a version of propensity-product-4; version 1 is one of"):
        promotion.rollback(deployment, "propensity", variant="product-4", to="1")


def test_the_command_says_that_the_endpoint_still_serves_the_other(
    registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.endpoints["trainyard-dev-prod2vec"] = f"dev-model-{RUNS[2]}-0a1b2c3d"
    assert main(["rollback", "prod2vec"]) == 0
    said = capsys.readouterr().out
    assert "Version 2 of run 20261122-120000-00000002 is the model of prod2vec in use" in said
    assert "Version 3 is rejected" in said
    assert f"still serves the model of run {RUNS[2]}" in said
    assert "`trainyard release prod2vec`" in said


def test_the_only_model_need_not_be_named(capsys: pytest.CaptureFixture[str], deployment: Deployment) -> None:
    assert main(["rollback", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"]["run_id"] == RUNS[1]
    point_to(deployment, RUNS[0], "two_tower")
    assert main(["rollback"]) == 2
    assert "found several: prod2vec, two_tower" in capsys.readouterr().err


def test_promote_starts_a_release_when_asked(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote", "prod2vec", "1", "--deploy", "--no-follow"]) == 0
    assert pointer(deployment)["run_id"] == RUNS[0]
    assert json.loads(deployment.target.client("stepfunctions").started[0]["input"])["task"] == "deploy"


def test_models_shows_versions_with_metric_and_which_is_in_use(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"metrics": {"hit_rate_at_10": {"value": 0.7258, "low": 0.65, "high": 0.8}}, "primary": "hit_rate_at_10"}
    put(deployment, f"prod2vec/{RUNS[2]}/evaluate/evaluation.json", json.dumps(found).encode())
    promotion.rollback(deployment, "prod2vec")
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["models"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    row = next(line for line in said.splitlines() if RUNS[2] in line)
    assert "0.7258 (0.65 to 0.8)" in row
    assert "rejected" in row
    assert "in use" in next(line for line in said.splitlines() if RUNS[1] in line)
    assert main(["models", "two_tower", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
