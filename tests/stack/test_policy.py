"""The deployed policy refuses an upload that asks for too much, before any job."""

from __future__ import annotations

import json

import pytest

from tests.stack.conftest import wait

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
GREEDY = {
    "tuning": {"max_jobs": 500},
    "jobs": {"train": {"instance_type": "ml.p5.48xlarge", "instance_count": 20, "max_runtime_s": 432_000}},
}


def test_what_the_policy_forbids_starts_no_job(stack):
    found = stack.client("lambda").get_function_configuration(FunctionName="trainyard-dev-resolve")
    assert json.loads(found["Environment"]["Variables"]["POLICY"])["upload"]["settings"] == ["*"]
    stack.upload("greedy", {"run.json": json.dumps(GREEDY).encode(), "_READY": b""})
    refused = wait(
        lambda: next((each for each in stack.executions("greedy") if each["status"] == "FAILED"), None),
        timeout=60,
        what="an execution that is refused",
    )
    assert stack.entered(refused["executionArn"])[-2:] == ["Report bad request", "Bad request"]
    assert refused["error"] == "BadRequest"
    for each in ("tuning.max_jobs: run.json asks for 500", "jobs.train.instance_type", "jobs.train.max_runtime_s"):
        assert each in refused["cause"]
