"""Resolve, where endpoints keep requests: what the endpoint is told, and who may ask for what."""

from __future__ import annotations

import json

import pytest

from lambdas import environment
from tests.lambdas.conftest import ARTIFACTS
from tests.lambdas.test_resolve import call
from trainyard.run.document import encoded
from trainyard.run.watch.capture import CapturePlan, CaptureRules
from trainyard.stages.deploy.comparison import Comparison
from trainyard.stages.resolve.roll_out import at_once

RULES = CaptureRules(share=0.1, never_kept=("email",))


@pytest.fixture
def keeping(aws, monkeypatch):
    """The functions of an environment that keeps requests."""

    def deployed(rules):
        monkeypatch.setenv("CAPTURE", json.dumps(encoded(rules)))
        environment.read.cache_clear()

    deployed(RULES)
    return deployed


def told(execution, **capture):
    """What the container is told in the plan of a deployment with these settings."""
    overrides = {"deploy": {"capture": capture}, "model": "shop"}
    plan = call({"recipe": "prod2vec", "dataset": "d", "task": "deploy", "overrides": overrides}, execution)
    assert plan["outcome"] == "deploy", plan["reason"]
    return plan["deploy"]["variables"]


def test_an_endpoint_keeps_what_its_environment_keeps(keeping):
    expected = CapturePlan(
        uri=f"s3://{ARTIFACTS}/captured/recipe=prod2vec/model=prod2vec--shop", share=0.1, never_kept=("email",)
    )
    assert CapturePlan.of_environment(told("a")) == expected


def test_a_run_chooses_how_much_and_adds_to_what_is_never_kept(keeping):
    found = CapturePlan.of_environment(told("a", share=0.5, never_kept=["name", "email"], seconds=5))
    assert (found.share, found.never_kept, found.seconds) == (0.5, ("email", "name"), 5)
    assert told("b", share=0) == {}


def test_an_environment_may_leave_it_to_its_runs(keeping):
    keeping(CaptureRules(share=0.0))
    assert told("a") == {}
    assert CapturePlan.of_environment(told("b", share=1)).share == 1.0


def test_a_run_that_is_not_deployed_is_told_nothing(keeping):
    plan = call({"recipe": "propensity", "dataset": "d", "overrides": {"data": {"source": "database"}}})
    assert plan.get("deploy", {}).get("variables", {}) == {}


def test_where_nothing_is_kept_nobody_may_ask_for_it(aws):
    request = {"recipe": "prod2vec", "dataset": "d", "task": "deploy"}
    assert call(request)["deploy"]["variables"] == {}
    refused = call(request | {"overrides": {"deploy": {"capture": {"share": 0.5}}}})
    assert refused["outcome"] == "refused"
    assert "deploy.capture.share: the run asks for 0.5, but this environment keeps no requests" in refused["reason"]


def test_fields_that_an_endpoint_cannot_be_told_are_refused(keeping):
    names = [f"field_{number}" for number in range(100)]
    overrides = {"deploy": {"capture": {"never_kept": names}}}
    refused = call({"recipe": "prod2vec", "dataset": "d", "task": "deploy", "overrides": overrides})
    assert refused["outcome"] == "refused"
    assert "deploy.capture.never_kept: expected names of at most 600 characters" in refused["reason"]


COMPARED = {"compare": {"most_changed": 0.2, "rows": 50}, "capture": {"never_kept": ["name"]}}


def test_a_version_is_compared_by_what_its_endpoint_kept_without_the_fields_that_are_never_kept(keeping):
    request = {"recipe": "prod2vec", "dataset": "d", "task": "deploy"}
    plan = call(request | {"overrides": {"deploy": COMPARED, "model": "shop"}}, "a")
    assert plan["deploy"]["try_first"] is True
    assert Comparison.from_mapping(plan["deploy"]["comparison"]) == Comparison(
        recipe="prod2vec",
        model="prod2vec--shop",
        rows=50,
        most_changed=0.2,
        tolerance=0.01,
        never_kept=("email", "name"),
    )
    plain = call(request | {"overrides": {}}, "b")["deploy"]
    assert (plain["try_first"], "comparison" in plain) == (False, False)


def test_nothing_is_compared_where_nothing_is_kept(aws):
    overrides = {"deploy": {"compare": {"most_changed": 0.2}}}
    refused = call({"recipe": "prod2vec", "dataset": "d", "task": "deploy", "overrides": overrides}, "a")
    assert refused["outcome"] == "refused"
    assert "deploy.compare.most_changed: the run asks for 0.2" in refused["reason"]
    assert "this environment keeps none" in refused["reason"]


def test_nothing_is_compared_where_the_endpoint_keeps_a_share_of_nothing(keeping):
    overrides = {"deploy": {"compare": {"most_changed": 0.2}, "capture": {"share": 0}}}
    refused = call({"recipe": "prod2vec", "dataset": "d", "task": "deploy", "overrides": overrides}, "a")
    assert refused["outcome"] == "refused"
    assert "the share that this one keeps is 0" in refused["reason"]


def test_a_version_that_comes_back_is_neither_tried_nor_moved_step_by_step():
    planned = {"type": "instances", "try_first": True, "update_policy": {}, "comparison": {}}
    assert at_once(planned) == {"type": "instances", "try_first": False}
