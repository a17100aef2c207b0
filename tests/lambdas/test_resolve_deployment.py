"""Resolve, asked to put the model in use into service: no file is needed, one model has to be meant."""

from __future__ import annotations

import re

import pytest
from botocore import session
from botocore.validate import ParamValidator

from tests.lambdas.test_resolve import call
from trainyard.contract.config import RollOut

DEPLOY = {"recipe": "prod2vec", "dataset": "model in use", "task": "deploy"}


def test_a_deployment_waits_for_no_file_and_can_be_asked_for_again(aws):
    plans = [call(DEPLOY | {"overrides": {"deploy": {"type": "instances"}}}, each) for each in ("a", "b")]
    for plan in plans:
        assert (plan["outcome"], plan["model"]) == ("deploy", "prod2vec")
        assert plan["deploy"]["type"] == "instances"


STEPS = {"type": "instances", "instance_count": 4, "rollout": {"type": "linear", "share": 0.25, "wait_s": 300}}


def test_requests_that_move_step_by_step_are_planned_in_sagemakers_terms(aws):
    plan = call(DEPLOY | {"overrides": {"deploy": STEPS}})
    assert plan["deploy"]["update_policy"] == {
        "TrafficRoutingConfiguration": {
            "Type": "LINEAR",
            "WaitIntervalInSeconds": 300,
            "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        },
        "MaximumExecutionTimeoutInSeconds": 2 * 3600 + 4 * 300,
    }
    assert "update_policy" not in call(DEPLOY | {"overrides": {"deploy": {"type": "instances"}}})["deploy"]
    policy = session.get_session().get_service_model("sagemaker").shape_for("BlueGreenUpdatePolicy")
    assert not ParamValidator().validate(plan["deploy"]["update_policy"], policy).has_errors()


@pytest.mark.parametrize(
    ("kind", "share", "instances", "moved", "steps"),
    [
        # Half of three would be two, which SageMaker refuses.
        ("canary", 0.5, 3, 1, 2),
        ("linear", 0.5, 3, 1, 3),
        ("canary", 0.3, 10, 3, 2),
        ("canary", 0.1, 19, 1, 2),
        # One of 19 is less than the tenth that a linear step has to be.
        ("linear", 0.1, 19, 2, 10),
    ],
)
def test_whole_instances_move_and_never_more_than_half(kind, share, instances, moved, steps):
    chosen = RollOut(type=kind, share=share)
    assert (chosen.at_a_time(instances), chosen.steps(instances)) == (moved, steps)
    assert moved <= instances / 2


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"type": "serverless"}, "expected deploy.type instances .* for a linear roll-out"),
        ({"instance_count": 1}, "instance_count of 2 or more for a linear roll-out, .* found one instance"),
        (
            {"instance_count": 10, "rollout": {"type": "linear", "share": 0.19, "wait_s": 3600}},
            "found 10 steps of 3600 s",
        ),
        ({"rollout": {"type": "canary", "share": 0.75}}, "deploy.rollout.share: "),
    ],
)
def test_steps_that_cannot_be_are_refused_in_one_sentence(aws, change, problem):
    refused = call(DEPLOY | {"overrides": {"deploy": STEPS | change}})
    assert refused["outcome"] == "refused"
    assert re.search(problem, refused["reason"]), refused["reason"]


def test_several_models_need_a_choice(aws):
    request = {"recipe": "propensity", "dataset": "model in use", "task": "deploy"}
    refused = call(request | {"overrides": {"data": {"source": "database"}}})
    assert refused["outcome"] == "refused"
    assert "one of the models of recipe propensity" in refused["reason"]
    plan = call(request | {"overrides": {"data": {"source": "database", "product_id": 3}}})
    assert (plan["outcome"], plan["model"]) == ("deploy", "propensity-product-3")
