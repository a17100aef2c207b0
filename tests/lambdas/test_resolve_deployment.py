"""Resolve, asked to put the model in use into service: no file is needed, one model has to be meant."""

from __future__ import annotations

from tests.lambdas.test_resolve import call

DEPLOY = {"recipe": "prod2vec", "dataset": "model in use", "task": "deploy"}


def test_a_deployment_waits_for_no_file_and_can_be_asked_for_again(aws):
    plans = [call(DEPLOY | {"overrides": {"deploy": {"type": "instances"}}}, each) for each in ("a", "b")]
    for plan in plans:
        assert (plan["outcome"], plan["model"]) == ("deploy", "prod2vec")
        assert plan["deploy"]["type"] == "instances"


def test_several_models_need_a_choice(aws):
    request = {"recipe": "propensity", "dataset": "model in use", "task": "deploy"}
    refused = call(request | {"overrides": {"data": {"source": "database"}}})
    assert refused["outcome"] == "refused"
    assert "one of the models of recipe propensity" in refused["reason"]
    plan = call(request | {"overrides": {"data": {"source": "database", "product_id": 3}}})
    assert (plan["outcome"], plan["model"]) == ("deploy", "propensity-product-3")
