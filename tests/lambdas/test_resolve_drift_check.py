"""Resolve, asked to check requests to an endpoint: which model is meant, which files are looked at, and refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from lambdas import environment
from tests.lambdas.conftest import ARTIFACTS
from tests.lambdas.test_compare_scores import OLD, aisles, run, unknown
from tests.lambdas.test_resolve import call
from trainyard.run.document import Document, encoded
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch.capture import VARIABLE, CapturePlan, CaptureRules, folder, partition, variables
from trainyard.run.watch.drift_check import MANIFEST_FILE, DriftCheck
from trainyard.stages.resolve import drift_check

CHECK = {"recipe": "prod2vec", "dataset": "model in use", "task": "check_drift"}
PLAN = CapturePlan(uri=f"s3://{ARTIFACTS}/{folder('prod2vec', 'prod2vec')}", share=1.0, never_kept=("email",))
ENDPOINT = "trainyard-test-prod2vec"
ARCHIVE = f"s3://{ARTIFACTS}/prod2vec/{OLD}/train/dev-train/output/model.tar.gz"
ROLE = "arn:aws:iam::123456789012:role/model"


@pytest.fixture
def keeping(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CAPTURE", json.dumps(encoded(CaptureRules())))
    environment.read.cache_clear()
    return aws


def serve(told: dict[str, str], *, archive: str = ARCHIVE) -> None:
    """An endpoint of a model whose container was told something."""
    sagemaker = boto3.client("sagemaker")
    container = {"Image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/i:t", "ModelDataUrl": archive}
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={**container, "Environment": told})
    variant = {"VariantName": "model", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="c")


def profiled(s3: Any, *, answers: bool = True) -> None:
    store = RunStore(s3, run(OLD))
    documents: list[tuple[Stage, Document]] = [(Stage.INGEST, aisles(0.0))]
    for stage, document in [*documents, *([(Stage.EVALUATE, unknown(0.0))] if answers else [])]:
        store.write_document(stage, document)


def kept(s3: Any, *, hours_ago: float, model: str = "prod2vec") -> str:
    moment = datetime.now(UTC) - timedelta(hours=hours_ago)
    key = f"{folder('prod2vec', model)}/{partition(moment)}/{moment:%M%S%f}.parquet"
    s3.put_object(Bucket=ARTIFACTS, Key=key, Body=b"parquet")
    return key


def test_the_model_in_service_and_the_files_of_the_last_hours_are_found(keeping: Any) -> None:
    serve(variables(PLAN))
    profiled(keeping)
    recent = [kept(keeping, hours_ago=each) for each in (20, 0.1)]
    kept(keeping, hours_ago=26)
    kept(keeping, hours_ago=0.1, model="prod2vec--shop")
    plan = call(CHECK)
    assert (plan["outcome"], plan["model"]) == ("check_drift", "prod2vec"), plan["reason"]
    assert plan["version"] == {"data": ARCHIVE, "run_id": OLD}
    listed = keeping.get_object(Bucket=ARTIFACTS, Key=f"{plan['prefix']}/resolve/{MANIFEST_FILE}")["Body"].read()
    assert json.loads(listed) == [{"prefix": f"s3://{ARTIFACTS}/"}, *recent]
    check = RunStore.open(keeping, plan["uri"]).read_document(Stage.RESOLVE, DriftCheck)
    assert (check.model_run, check.files, check.found, check.never_kept) == (OLD, 2, 2, ("email",))
    assert check.tables == aisles(0.0).tables
    assert check.answers == unknown(0.0).answers


def test_how_far_it_looks_back_is_a_setting_and_answers_may_be_unprofiled(keeping: Any) -> None:
    serve(variables(PLAN))
    profiled(keeping, answers=False)
    kept(keeping, hours_ago=26)
    plan = call(CHECK | {"overrides": {"drift": {"hours": 48}}})
    check = RunStore.open(keeping, plan["uri"]).read_document(Stage.RESOLVE, DriftCheck)
    assert (check.hours, check.files, check.answers) == (48, 1, None)


@pytest.mark.parametrize(
    ("now", "retention_days", "first"),
    [
        ("2026-11-30 12:00", 30, "2026-11-29 12:00"),
        ("2026-11-30 12:00", 1, "2026-11-29 12:00"),
        # The files of the 29th end at midnight, which the job may have to wait for.
        ("2026-11-30 18:00", 1, "2026-11-30 00:00"),
        ("2026-11-30 23:59", 1, "2026-11-30 00:00"),
        ("2026-12-01 00:00", 1, "2026-11-30 00:00"),
    ],
)
def test_files_that_end_before_the_job_may_have_them_are_passed_over(now: str, retention_days: int, first: str) -> None:
    since = drift_check._since(datetime.fromisoformat(now), hours=24, retention_days=retention_days)
    assert since == datetime.fromisoformat(first)


def test_a_check_of_more_than_is_kept_lists_no_file_that_ends_tonight(
    keeping: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPTURE", json.dumps(encoded(CaptureRules(retention_days=2))))
    environment.read.cache_clear()
    serve(variables(PLAN))
    profiled(keeping)
    recent = kept(keeping, hours_ago=0.1)
    # S3 is late at times: it has ended by its rule and is still there.
    kept(keeping, hours_ago=4 * 24)
    plan = call(CHECK | {"overrides": {"drift": {"hours": 8760}}})
    listed = keeping.get_object(Bucket=ARTIFACTS, Key=f"{plan['prefix']}/resolve/{MANIFEST_FILE}")["Body"].read()
    assert json.loads(listed)[1:] == [recent]


def test_that_no_requests_were_kept_is_told(keeping: Any) -> None:
    serve(variables(PLAN))
    profiled(keeping)
    plan = call(CHECK)
    assert (plan["outcome"], plan["model"], plan["version"]["run_id"]) == ("none_kept", "prod2vec", OLD)
    assert plan["reason"] == f"Nothing was compared: endpoint {ENDPOINT} has kept no requests of the last 24 hours."


@pytest.mark.parametrize(("found", "step"), [(0, 1), (7, 1), (10, 1), (11, 2), (20, 2), (27, 4), (95, 16)])
def test_of_many_files_some_at_equal_distances_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, found: int, step: int
) -> None:
    monkeypatch.setattr(drift_check, "MOST_FILES", 10)
    keys = [f"{each:04}" for each in range(found)]
    chosen, counted = drift_check._spread(iter(keys))
    assert (chosen, counted) == (keys[::step], found)
    assert len(chosen) <= 10


def test_a_model_from_before_profiles_is_nothing_to_do(keeping: Any) -> None:
    serve(variables(PLAN))
    kept(keeping, hours_ago=0.1)
    plan = call(CHECK)
    assert (plan["outcome"], "from before data were profiled" in plan["reason"]) == ("nothing", True)


def test_without_an_endpoint_there_is_nothing_to_check(keeping: Any) -> None:
    plan = call(CHECK)
    assert plan["outcome"] == "refused"
    assert f"Expected the endpoint {ENDPOINT}" in plan["reason"]
    assert "trainyard release prod2vec" in plan["reason"]


@pytest.mark.parametrize(
    ("told", "archive", "said"),
    [
        ({}, ARCHIVE, "found that it keeps none"),
        ({VARIABLE: variables(PLAN)[VARIABLE]}, "s3://another/prod2vec/x/model.tar.gz", "a model of this workflow"),
    ],
)
def test_an_endpoint_that_keeps_nothing_or_is_anothers_is_refused(
    keeping: Any, told: dict[str, str], archive: str, said: str
) -> None:
    serve(told, archive=archive)
    plan = call(CHECK)
    assert (plan["outcome"], said in plan["reason"]) == ("refused", True)


def test_an_environment_that_keeps_nothing_says_how_it_would(aws: Any) -> None:
    plan = call(CHECK)
    assert (plan["outcome"], "CaptureRules(...)" in plan["reason"]) == ("refused", True)
