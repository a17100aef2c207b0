"""Executions are found by every name a reader may have, and only those that can be are redriven or stopped."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest import MonkeyPatch

from tests.cli.story import START, FakeStepFunctions, execution_arn, upload_event
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.find_execution import find_execution
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
        ("previous", "alpha-12"),
    ):
        assert find_execution(deployment, text).name == name


def test_latest_of_nothing_but_idle_ones(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    with pytest.raises(NotFound, match="trainyard run"):
        find_execution(deployment, "latest")
    step_functions.put("idle", status="SUCCEEDED", output='{"outcome": "nothing"}')
    assert find_execution(deployment, "latest").name == "idle"
    with pytest.raises(NotFound, match="found none yet"):
        find_execution(deployment, "previous")
    step_functions.put("first")
    with pytest.raises(NotFound, match="found only one"):
        find_execution(deployment, "previous")


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


class Listing:
    """ListExecutions as AWS orders it: running executions by their start, the others by their end; counts its pages."""

    def __init__(self, executions: list[dict[str, Any]]) -> None:
        order = [each.get("stopDate") or each["startDate"] for each in executions]
        self.listed = [each for _, each in sorted(zip(order, executions, strict=True), key=lambda pair: pair[0])][::-1]
        self.pages = 0

    def get_paginator(self, _: str) -> Listing:
        return self

    def paginate(self, *, PaginationConfig: dict[str, int], **_: Any) -> Iterator[dict[str, Any]]:
        for first in range(0, len(self.listed), PaginationConfig["PageSize"]):
            self.pages += 1
            yield {"executions": self.listed[first : first + PaginationConfig["PageSize"]]}


def many(count: int, *, seconds: int) -> list[dict[str, Any]]:
    """Executions that began one a minute and took up to `seconds`; every tenth still runs."""
    drawn = random.Random(7)
    found: list[dict[str, Any]] = []
    for number in range(count):
        began = START + timedelta(minutes=number)
        ended = {} if number % 10 == 0 else {"stopDate": began + timedelta(seconds=drawn.randrange(seconds))}
        found.append({"executionArn": f"a{number}", "name": f"e{number}", "startDate": began, **ended})
    return found


@pytest.mark.parametrize("seconds", [10, 40_000, 400_000])
def test_executions_are_listed_by_their_start_whatever_their_ends(deployment: Deployment, seconds: int) -> None:
    deployment.target._clients["stepfunctions"] = Listing(many(500, seconds=seconds))
    names = [each["name"] for each in executions.summaries(deployment, page=20)]
    assert names == [f"e{number}" for number in reversed(range(500))]


def test_only_as_much_is_listed_and_described_as_is_shown(deployment: Deployment, monkeypatch: MonkeyPatch) -> None:
    listing = Listing(many(5000, seconds=300))
    deployment.target._clients["stepfunctions"] = listing
    described: list[str] = []

    def describe(_: object, arn: str) -> executions.Execution:
        described.append(arn)
        return executions.Execution(arn=arn, name=arn, status="RUNNING", started=START)

    monkeypatch.setattr(executions, "describe", describe)
    found = list(executions.matching(deployment, None, status=None, limit=20))
    assert [each.arn for each in found] == [f"a{number}" for number in range(4999, 4979, -1)]
    assert len(described) <= 24
    assert listing.pages <= 2


def test_redrive_and_stop_refuse_what_makes_no_sense(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    running = executions.describe(deployment.target, step_functions.put("r"))
    ended = executions.describe(deployment.target, step_functions.put("e", status="FAILED"))
    with pytest.raises(TrainyardError, match="r is RUNNING"):
        executions.redrive(deployment.target, running)
    with pytest.raises(TrainyardError, match="has ended: FAILED"):
        executions.stop(deployment.target, ended, cause="no")
    executions.stop(deployment.target, running, cause="enough")
    assert step_functions.stopped == [running.arn]
