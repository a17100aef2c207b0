"""Executions are found by every name a reader may have, and only those that can be are redriven or stopped."""

from __future__ import annotations

import json

import pytest

from tests.cli.story import FakeStepFunctions, execution_arn, upload_event
from trainyard.client import executions
from trainyard.client.deployment import Deployment
from trainyard.client.find_execution import find_execution
from trainyard.errors import NotFound, TrainyardError


def test_by_arn_name_start_and_latest(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    for name in ("alpha-1", "alpha-12", "beta"):
        step_functions.put(name)
    step_functions.put("idle", status="SUCCEEDED", output='{"outcome": "nothing", "reason": "waiting"}')
    for text, name in (
        (execution_arn("beta"), "beta"),
        ("alpha-1", "alpha-1"),
        ("alpha-12", "alpha-12"),
        ("be", "beta"),
        ("latest", "beta"),
    ):
        assert find_execution(deployment, text).name == name


def test_latest_of_nothing_but_idle_ones(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    with pytest.raises(NotFound, match="trainyard run"):
        find_execution(deployment, "latest")
    step_functions.put("idle", status="SUCCEEDED", output='{"outcome": "nothing"}')
    assert find_execution(deployment, "latest").name == "idle"


def test_by_run_id(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    step_functions.put("beta")
    deployment.target.client("s3").put_object(
        Bucket=deployment.artifacts_bucket,
        Key="prod2vec/20261120-120000-aabbccdd/resolve/request.json",
        Body=json.dumps({"execution_arn": execution_arn("beta")}).encode(),
    )
    assert find_execution(deployment, "20261120-120000-aabbccdd").name == "beta"
    assert find_execution(deployment, "20261120-1200").name == "beta"


def test_ambiguous_and_unknown(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    step_functions.put("alpha-1")
    step_functions.put("alpha-2")
    with pytest.raises(NotFound, match=r"found 2: alpha-2, alpha-1\. Give more"):
        find_execution(deployment, "alpha")
    with pytest.raises(NotFound, match="none of 2 executions"):
        find_execution(deployment, "gamma")
    with pytest.raises(NotFound, match="with the ARN"):
        find_execution(deployment, execution_arn("gamma"))


def test_recipe_and_dataset_of_uploads_and_manual_starts(
    deployment: Deployment, step_functions: FakeStepFunctions
) -> None:
    uploaded = step_functions.put("u", input=upload_event("raw/prod2vec/my data/products.csv", "v1"))
    manual = step_functions.put("m", input='{"recipe": "prod2vec", "dataset": "d"}')
    odd = step_functions.put("o", input='"text"')
    found = [executions.describe(deployment.target, arn) for arn in (uploaded, manual, odd)]
    assert [(each.recipe, each.dataset) for each in found] == [("prod2vec", "my data"), ("prod2vec", "d"), ("", "")]


def test_redrive_and_stop_refuse_what_makes_no_sense(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    running = executions.describe(deployment.target, step_functions.put("r"))
    ended = executions.describe(deployment.target, step_functions.put("e", status="FAILED"))
    with pytest.raises(TrainyardError, match="r is RUNNING"):
        executions.redrive(deployment.target, running)
    with pytest.raises(TrainyardError, match="has ended: FAILED"):
        executions.stop(deployment.target, ended, cause="no")
    executions.stop(deployment.target, running, cause="enough")
    assert step_functions.stopped == [running.arn]
