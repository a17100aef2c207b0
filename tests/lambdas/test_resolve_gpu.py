"""A GPU is given to jobs that use one, where there is an image for it, and refused everywhere else before any job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lambdas.settling_world import Upload, World
from tests.state_machine.scenarios import scenarios
from tests.state_machine.walk import definition, expressions, walk
from trainyard.run.environment import Environment
from trainyard.run.gpu import FAMILY, has_gpu
from trainyard.run.plan import NextStep, Plan
from trainyard.stages.resolve.resolve import resolve


def started(overrides: dict[str, Any], *, gpu: bool) -> Plan:
    """What becomes of a start of prod2vec with these settings, in an environment with or without an image for GPUs."""
    world = World(recipe="prod2vec", settling=0, run_json={})
    world.run([Upload(name="order_products__prior.csv", after=1), Upload(name="products.csv", after=2)])
    place = Environment(
        raw_bucket="r", artifacts_bucket="a", ledger_table="l", topic_arn="t", code_version="1", gpu=gpu
    )
    execution = {"arn": "arn:aws:states:us-east-1:0:execution:m:e", "name": "e", "started": "2026-11-28T12:00:00Z"}
    given = {"recipe": "prod2vec", "dataset": "mine", "overrides": overrides}
    return resolve(given, execution, environment=place, s3=world, dynamodb=world)


@pytest.mark.parametrize("stage", ["train", "tune"])
def test_jobs_that_fit_a_model_get_a_gpu_where_there_is_an_image_for_it(stage: str) -> None:
    asked = {"jobs": {stage: {"instance_type": "ml.g5.xlarge"}}}
    plan = started(asked, gpu=True)
    assert (plan.outcome, plan.jobs[stage]["instance_type"]) == (NextStep.TRAIN, "ml.g5.xlarge")
    refused = started(asked, gpu=False)
    assert refused.outcome is NextStep.REFUSED
    assert refused.reason == (
        f"jobs.{stage}.instance_type: expected a machine without a GPU, for this environment has no image that uses "
        "one, found 'ml.g5.xlarge'. Choose a machine such as ml.m5.xlarge, or set gpu=True in infra/settings.py and "
        "deploy it to an account."
    )


@pytest.mark.parametrize(
    "asked",
    [
        *(
            {"jobs": {stage: {"instance_type": "ml.g4dn.xlarge"}}}
            for stage in ("process", "evaluate", "report", "score")
        ),
        {"deploy": {"enabled": True, "type": "instances", "instance_type": "ml.g4dn.xlarge"}},
    ],
)
def test_what_computes_without_a_gpu_does_not_pay_for_one(asked: dict[str, Any]) -> None:
    plan = started(asked, gpu=True)
    assert plan.outcome is NextStep.REFUSED
    assert "expected a machine without a GPU, for only tune and train use one, found 'ml.g4dn.xlarge'." in plan.reason


@pytest.mark.parametrize(("machine", "image"), [("ml.g5.xlarge", "gpu"), ("ml.m5.xlarge", "training")])
def test_the_machine_chooses_the_image_by_the_kind_of_computer(machine: str, image: str) -> None:
    requests = []
    for state in ("Train model", "Tune hyperparameters"):
        scenario = json.loads(json.dumps(next(each for each in scenarios() if state in each["path"])))
        for answer in scenario["results"]["Resolve request"]:
            for stage in ("train", "tune"):
                answer["result"]["Payload"]["jobs"][stage]["instance_type"] = machine
        requests += [each.arguments for each in walk(definition(), scenario).calls if each.state == state]
    algorithms = [each.get("TrainingJobDefinition", each)["AlgorithmSpecification"] for each in requests]
    assert len(algorithms) >= 2
    assert {each["TrainingImage"].rpartition(":")[2] for each in algorithms} == {image}


def test_the_state_machine_and_resolve_tell_machines_apart_by_the_same_words() -> None:
    written = [each for each in expressions(definition()) if "images:gpu" in each]
    assert len(written) == 2
    assert all(f"/^{FAMILY.pattern}/" in each for each in written)
    with_gpu = {each for each in ("g4dn", "g5", "g6e", "gr6", "p3", "p4d", "p5en") if has_gpu(f"ml.{each}.xlarge")}
    assert len(with_gpu) == 7
    assert not any(has_gpu(f"ml.{each}.xlarge") for each in ("m5", "c7i", "r5d", "t3"))
