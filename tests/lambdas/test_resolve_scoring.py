"""Resolve, asked to score: what it finds, what it refuses, and that it never starts a training."""

from __future__ import annotations

import pytest

from tests.lambdas.conftest import ARTIFACTS
from tests.lambdas.test_resolve import ORDERS, PRODUCTS, call, put
from trainyard.run import recipe
from trainyard.run.run import Run

SCORE = {"recipe": "prod2vec", "dataset": "demo", "task": "score"}


def stored(aws, plan) -> Run:
    key = f"{plan['prefix']}/resolve/request.json"
    return Run.from_json(aws.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read().decode())


@pytest.mark.parametrize("folder", ["raw", "score"])
def test_files_of_either_folder_are_scored(aws, folder):
    for name in (ORDERS, PRODUCTS):
        put(aws, name, folder=f"{folder}/prod2vec/demo")
    plan = call(SCORE | {"folder": folder})
    assert (plan["outcome"], plan["score"], plan["model"]) == ("score", True, "prod2vec")
    run = stored(aws, plan)
    assert run.task == "score"
    assert all(each.key.startswith(f"{folder}/prod2vec/demo/") for each in run.files)
    assert recipe.config("prod2vec", run.config).score.enabled


def test_data_that_a_model_was_trained_on_can_be_scored_as_often_as_one_likes(aws):
    for name in (ORDERS, PRODUCTS):
        put(aws, name)
    assert call({"recipe": "prod2vec", "dataset": "demo"}, "a")["outcome"] == "train"
    assert [call(SCORE, each)["outcome"] for each in ("b", "c")] == ["score", "score"]


def test_an_incomplete_set_is_refused_for_nothing_would_wait_for_it(aws):
    put(aws, PRODUCTS, folder="score/prod2vec/demo")
    plan = call(SCORE | {"folder": "score"})
    assert plan["outcome"] == "refused"
    assert "order_products__prior.csv is missing" in plan["reason"]
    assert "score/prod2vec/demo/" in plan["reason"]


def test_settings_beside_the_files_and_of_the_start_count(aws):
    for name in (ORDERS, PRODUCTS):
        put(aws, name, folder="score/prod2vec/demo")
    put(aws, "run.json", b'{"data": {"max_bad_share": 0.02}}', folder="score/prod2vec/demo")
    plan = call(SCORE | {"folder": "score", "overrides": {"jobs": {"score": {"volume_gb": 77}}}})
    assert plan["jobs"]["score"]["volume_gb"] == 77
    assert recipe.config("prod2vec", stored(aws, plan).config).data.max_bad_share == 0.02


def test_several_models_need_a_choice(aws):
    """Training starts one child per product; scoring needs to know which of the models is meant."""
    database = {"data": {"source": "database"}}
    request = {"recipe": "propensity", "dataset": "database", "task": "score", "overrides": database}
    refused = call(request)
    assert refused["outcome"] == "refused"
    assert "one of the models of recipe propensity" in refused["reason"]
    chosen = {"data": {"source": "database", "product_id": 3}}
    plan = call(request | {"overrides": chosen})
    assert (plan["outcome"], plan["model"]) == ("score", "propensity-product-3")


@pytest.mark.parametrize(
    "change", [{"task": "tune"}, {"folder": "elsewhere"}, {"task": "train", "folder": "score"}, {"task": ["score"]}]
)
def test_other_tasks_and_folders_are_refused(aws, change):
    plan = call(SCORE | change)
    assert plan["outcome"] == "refused"
    assert 'Expected "task" train, score, deploy, ' in plan["reason"]
