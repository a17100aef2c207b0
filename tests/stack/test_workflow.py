"""The deployed workflow on the local cloud: every promise about runs and the gate, in the order a team meets them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sagemaker.core.shapes.model_card_shapes import ModelCardContent

from tests.stack.conftest import QUICK, trainyard, wait
from trainyard.console import background
from trainyard.console.note import Note

# One deployment serves all tests of this file, one after another: later ones build on the champion of earlier ones.
pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
WEAK = {
    "hyperparameters": {"epochs": 1, "embedding_size": 2, "learning_rate": 0.0001, "basket_scorer": "vectors"},
    "gate": {"minimum": {"hit_rate_at_10": 0.0}, "beat": []},
}


@pytest.fixture(scope="module")
def weak(stack, data):
    stack.forget_champion()
    return stack.run("weak", data, **WEAK)


@pytest.fixture(scope="module")
def good(stack, data, weak):
    return stack.run("good", data, **QUICK)


def test_an_incomplete_set_ends_green_and_says_what_it_waits_for(stack, data):
    stack.upload("incomplete", {"products.csv": data["products.csv"], ".DS_Store": b"x"})
    wait(lambda: len(stack.executions("incomplete")) == 2 or None, timeout=30, what="two executions")
    ended = [stack.finish(each["executionArn"]) for each in stack.executions("incomplete")]
    assert {each["status"] for each in ended} == {"SUCCEEDED"}
    assert {json.loads(each["output"])["reason"] for each in ended} == {
        "waiting for order_products__prior.csv",
        "ignored: .DS_Store is no data",
    }


def test_one_upload_becomes_a_scored_registered_model(stack, weak):
    arn, described = weak
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    assert output["outcome"] == "registered"
    assert stack.entered(arn)[-1] == "Model registered"
    evaluation = json.loads(stack.artifact(arn, "evaluate/evaluation.json"))
    assert evaluation["champion"] is None
    assert 0 <= evaluation["metrics"]["hit_rate_at_10"]["value"] <= 1
    assert evaluation["references"]["popularity"]["hit_rate_at_10"] > 0
    assert stack.champion() == output["run_id"]
    assert stack.artifact(arn, "report/index.html").startswith(b"<!doctype html>")
    assert "was promoted" in stack.messages(output["run_id"])["Message"]


def test_the_registered_version_carries_metrics_and_origin(stack, weak):
    arn, described = weak
    run_id = json.loads(described["output"])["run_id"]
    summary = stack.packages()[0]
    package = stack.client("sagemaker").describe_model_package(ModelPackageName=summary["ModelPackageArn"])
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["CustomerMetadataProperties"]["run"] == run_id
    # What the gate said beside the best baseline; these tests ask none, so that a weak model passes.
    assert package["CustomerMetadataProperties"]["standing"] == "not compared"
    assert package["CustomerMetadataProperties"]["execution"] == arn.rsplit(":", 1)[1]
    uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    assert uri.endswith(f"{run_id}/evaluate/statistics.json")
    archive = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"].split("/", 3)[3]
    body = stack.client("s3").get_object(Bucket=stack.outputs["ArtifactsBucketName"], Key=archive)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        card = json.load(tar.extractfile("model.json") or tar.extractfile("./model.json"))
    assert (card["run_id"], card["recipe"]) == (run_id, "prod2vec")
    assert card["hyperparameters"]["epochs"] == 1


def test_the_console_shows_the_run(stack, weak, browser):
    name = weak[0].rpartition(":")[2]
    program = Path(sys.executable).with_name("trainyard")
    opened = subprocess.run(
        [program, "open", name, "--no-browser"], env=stack.environment, capture_output=True, text=True
    )
    assert opened.returncode == 0, opened.stderr
    try:
        with browser.new_page() as page:
            page.goto(opened.stdout.split()[-1])
            page.get_by_role("link", name="Train model").click()
            expect(page.locator("#panel pre.log")).to_contain_text("progress=")
            expect(page.get_by_text("The gate: promoted")).to_be_visible()
            page.get_by_role("link", name="Report", exact=True).click()
            expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_contain_text("Promoted")
            page.get_by_role("link", name="Models", exact=True).click()
            expect(page.get_by_role("region", name="Versions of prod2vec", exact=True)).to_contain_text("in use")
    finally:
        # The local cloud of the tests goes down without it.
        background.stop(Note(Path(stack.environment["TRAINYARD_STATE_DIR"]) / "console-dev.json"))


def test_every_job_is_tagged_with_project_environment_recipe_and_run(stack, weak):
    run_id = json.loads(weak[1]["output"])["run_id"]
    sagemaker = stack.client("sagemaker")
    jobs = [
        each["ProcessingJobArn"]
        for each in sagemaker.list_processing_jobs(NameContains=run_id)["ProcessingJobSummaries"]
    ]
    jobs += [
        each["TrainingJobArn"] for each in sagemaker.list_training_jobs(NameContains=run_id)["TrainingJobSummaries"]
    ]
    assert len(jobs) == 4
    for job in jobs:
        tags = {each["Key"]: each["Value"] for each in sagemaker.list_tags(ResourceArn=job)["Tags"]}
        assert {
            "project": "trainyard",
            "environment": "dev",
            "recipe": "prod2vec",
            "run": run_id,
        }.items() <= tags.items()


def test_a_better_model_takes_over(stack, weak, good):
    _, described = good
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    assert output["outcome"] == "registered"
    assert output["decision"]["champion"]["run_id"] == json.loads(weak[1]["output"])["run_id"]
    assert output["decision"]["champion"]["difference"]["low"] > 0
    assert stack.champion() == output["run_id"]
    assert len(stack.packages()) == 2


def test_the_registered_version_has_a_card(stack, good):
    run_id = json.loads(good[1]["output"])["run_id"]
    newest = max(stack.packages(), key=lambda each: each["ModelPackageVersion"])
    package = stack.client("sagemaker").describe_model_package(ModelPackageName=newest["ModelPackageArn"])
    assert package["ModelCard"]["ModelCardStatus"] == "Approved"
    card = json.loads(package["ModelCard"]["ModelCardContent"])
    ModelCardContent.model_validate(card)
    assert card["additional_information"]["custom_details"]["run"] == run_id
    assert {"this model", "EASE"} <= {each["name"] for each in card["evaluation_details"][0]["metric_groups"]}


def test_an_equally_good_model_is_refused_and_nothing_is_registered(stack, data, good):
    models = stack.client("sagemaker").list_models()["Models"]
    arn, described = stack.run("equal", data, **QUICK, seed=7)
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    assert output["outcome"] == "refused"
    assert "Create model" not in stack.entered(arn)
    assert stack.client("sagemaker").list_models()["Models"] == models
    assert len(stack.packages()) == 2
    assert stack.champion() == json.loads(good[1]["output"])["run_id"]
    message = stack.messages(output["run_id"])["Message"]
    assert "FAILED: hit_rate_at_10 better than the champion" in message
    assert "was refused" in message


def test_a_run_that_loses_the_race_meets_the_gate_again(stack, data, weak, good):
    ledger, key = stack.client("dynamodb"), {"id": {"S": "champion/prod2vec"}}
    table = stack.outputs["LedgerTableName"]
    current = ledger.get_item(TableName=table, Key=key)["Item"]
    old = json.loads(weak[1]["output"])["run_id"]
    earlier = next(each for each in stack.models() if old in each["data"])
    ledger.put_item(TableName=table, Item=current | {"run_id": {"S": old}, "model_data": {"S": earlier["data"]}})
    stack.upload("race", {"run.json": json.dumps({**QUICK, "seed": 3}).encode(), **data})
    arn = stack.training_execution("race")
    wait(lambda: "Evaluate model" in stack.entered(arn) or None, timeout=300, what="the evaluation")
    # Another run gets there first.
    ledger.put_item(TableName=table, Item=current)
    output = json.loads(stack.finish(arn)["output"])
    assert stack.entered(arn).count("Evaluate model") == 2
    assert output["outcome"] == "refused"
    assert output["decision"]["champion"]["run_id"] == current["run_id"]["S"]
    assert stack.champion() == current["run_id"]["S"]
    assert "Create model" not in stack.entered(arn)
    assert [each["ModelApprovalStatus"] for each in stack.packages()] == ["Approved"] * 2


def test_files_that_arrive_one_by_one_train_once_a_model_of_its_own_name(stack, data, good):
    """The settings come last and name the model: it has a champion and a group of its own, and none to beat."""
    settings = json.dumps(QUICK | {"model": "shop-north"}).encode()
    for name, content in {**data, "run.json": settings}.items():
        stack.upload("north", {name: content})
        time.sleep(1)
    arn = stack.training_execution("north")
    output = json.loads(stack.finish(arn)["output"])
    assert (output["outcome"], output["model"]) == ("registered", "prod2vec--shop-north")
    assert output["decision"]["champion"] is None
    assert output["waited_seconds"] >= 1
    assert {"Wait for set to settle", "Create group"} <= set(stack.entered(arn))
    assert stack.champion("prod2vec--shop-north") == output["run_id"]
    assert len(stack.packages("prod2vec--shop-north")) == 1
    assert stack.champion() == json.loads(good[1]["output"])["run_id"]
    others = [stack.finish(each["executionArn"]) for each in stack.executions("north") if each["executionArn"] != arn]
    assert len(others) == len(data)
    for each in others:
        assert json.loads(each["output"])["reason"].startswith("superseded by the upload of ")


def test_a_rerun_with_other_epochs_starts_at_training_and_below_the_threshold_is_refused_with_the_number(stack, good):
    arn, settings = good[0], ("hyperparameters.epochs=1", 'gate.minimum={"hit_rate_at_10": 0.99}')
    done = trainyard(stack, "rerun", arn.rpartition(":")[2], *(word for each in settings for word in ("--set", each)))
    assert done.returncode == 5, done.stdout + done.stderr
    described = stack.finish(stack.executions("good")[0]["executionArn"])
    again, output = described["executionArn"], json.loads(described["output"])
    assert not {"Ingest raw data", "Prepare training data", "Build training examples"} & set(stack.entered(again))
    assert f"ingest, prepare, process reused from run {stack.plan(arn)['run_id']}" in done.stdout
    for name in ("ingest/quality.json", "prepare/summary.json", "process/figures.json"):
        assert stack.artifact(again, name) == stack.artifact(arn, name)
    assert output["outcome"] == "refused"
    assert any(reason.startswith("hit_rate_at_10 >= 0.99: it is 0") for reason in output["decision"]["reasons"])


def test_the_same_object_versions_train_once_however_often_delivered(stack):
    versions = stack.upload("twice", {"order_products__prior.csv": b"bad\n", "products.csv": b"bad\n"})
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": stack.outputs["RawBucketName"]},
            "object": {"key": "raw/prod2vec/twice/products.csv", "version-id": versions["products.csv"]},
        },
    }
    states = stack.client("stepfunctions")
    with ThreadPoolExecutor(4) as pool:
        started = list(
            pool.map(
                lambda _: states.start_execution(
                    stateMachineArn=stack.outputs["StateMachineArn"], input=json.dumps(event)
                ),
                range(4),
            )
        )
    wait(
        lambda: len(stack.executions("twice")) >= 5 or None, timeout=30, what="the executions of uploads and deliveries"
    )
    executions = stack.executions("twice")
    for each in executions:
        stack.finish(each["executionArn"])
    assert {each["executionArn"] for each in started} <= {each["executionArn"] for each in executions}
    assert sum("Ingest raw data" in stack.entered(each["executionArn"]) for each in executions) == 1


@pytest.fixture
def hears_approvals(stack) -> Iterator[None]:
    """As where approval is required; elsewhere the rule hears of rejections only."""
    events = stack.client("events")
    [rule] = [each for each in events.list_rules()["Rules"] if "Decision" in each["Name"]]
    pattern = json.loads(rule["EventPattern"])
    wider = {**pattern, "detail": {**pattern["detail"], "ModelApprovalStatus": ["Rejected", "Approved"]}}
    for each in (wider, pattern):
        events.put_rule(Name=rule["Name"], EventPattern=json.dumps(each), State="ENABLED")
        if each is wider:
            yield


def test_a_model_in_use_is_rejected_in_the_registry_and_comes_back_when_it_is_approved(
    stack, weak, good, hears_approvals
):
    """The real rule, function, machine and roles; what is trained anew for it is nothing."""
    before, run_id = (json.loads(each[1]["output"])["run_id"] for each in (weak, good))
    rejected = trainyard(stack, "reject", run_id)
    assert rejected.returncode == 0, rejected.stderr + rejected.stdout
    assert stack.champion() == before
    assert f"Version 1 of run {before} is in use in its place." in " ".join(rejected.stdout.split())

    version = next(each for each in stack.packages() if each["ModelApprovalStatus"] == "Rejected")["ModelPackageArn"]
    sagemaker = stack.client("sagemaker")
    sagemaker.update_model_package(ModelPackageArn=version, ModelApprovalStatus="PendingManualApproval")
    assert f"`trainyard approve {run_id}`" in " ".join(trainyard(stack, "models").stdout.split())
    approved = trainyard(stack, "approve", run_id)
    assert approved.returncode == 0, approved.stderr + approved.stdout
    assert stack.champion() == run_id
    assert "passed the gate" in approved.stdout
    assert "was promoted" in stack.messages(run_id)["Message"]


def test_bad_data_ends_in_a_named_failure_with_its_reasons(stack, data):
    lines = "order_products__prior.csv"
    broken = b"order_id,product_id,add_to_cart_order,reordered\n" + b"1,,1,0\n2,3,1,0\n" * 100
    arn, described = stack.run("broken", {**data, lines: broken})
    assert (described["status"], described["error"]) == ("FAILED", "BadData")
    assert lines in described["cause"]
    message = stack.messages("The data set broken")["Message"]
    assert "line 2" in message
    assert "Prepare training data" not in stack.entered(arn)
    key = f"raw/prod2vec/broken/{lines}"
    assert stack.client("s3").get_object(Bucket=stack.outputs["RawBucketName"], Key=key)["Body"].read() == broken


@pytest.mark.parametrize(
    ("recipe", "name", "content", "expected"),
    [
        ("unknown", "products.csv", b"x", "found 'unknown'"),
        (
            "prod2vec",
            "run.json",
            b'{"hyperparameters": {"epochs": -1}}',
            "hyperparameters.epochs: expected a value from 1",
        ),
    ],
)
def test_bad_requests_are_refused_in_words(stack, recipe, name, content, expected):
    dataset = f"refused {recipe} {name[0]}"
    stack.upload(dataset, {name: content}, recipe=recipe)
    execution = wait(lambda: next(iter(stack.executions(dataset)), None), timeout=30, what="an execution")
    described = stack.finish(execution["executionArn"])
    assert (described["status"], described["error"]) == ("FAILED", "BadRequest")
    assert expected in described["cause"]
    assert expected in stack.messages(execution["executionArn"])["Message"]
