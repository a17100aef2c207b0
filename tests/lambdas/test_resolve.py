"""Resolve: which uploads start a training run, which wait, and which are refused with what words."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from lambdas import resolve
from tests.lambdas.conftest import ARTIFACTS, LEDGER, RAW
from trainyard.run import recipe
from trainyard.run.run import Run

ORDERS, PRODUCTS = "order_products__prior.csv", "products.csv"


def call(request: dict, execution: str = "first") -> dict:
    arn = f"arn:aws:states:us-east-1:123456789012:execution:training:{execution}"
    return resolve.handler(
        {"request": request, "execution": {"arn": arn, "name": execution, "started": "2026-11-21T02:03:04.567Z"}}, None
    )


def uploaded(key: str) -> dict:
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": RAW}, "object": {"key": key}},
    }


def put(s3, name: str, body: bytes = b"x", folder: str = "raw/prod2vec/demo") -> str:
    return s3.put_object(Bucket=RAW, Key=f"{folder}/{name}", Body=body)["VersionId"]


def put_set(s3) -> dict:
    return {name: put(s3, name) for name in (ORDERS, PRODUCTS)}


def test_incomplete_set_waits_and_says_for_what(aws):
    put(aws, PRODUCTS)
    plan = call(uploaded(f"raw/prod2vec/demo/{PRODUCTS}"))
    assert plan["outcome"] == "nothing"
    assert plan["reason"] == "waiting for order_products__prior.csv"


def test_complete_set_trains_with_the_uploaded_versions(aws):
    versions = put_set(aws)
    plan = call(uploaded(f"raw/prod2vec/demo/{PRODUCTS}"))
    assert plan["outcome"] == "train"
    assert plan["objects"] == versions
    assert plan["run_id"].startswith("20261121-020304-")
    assert {"Key": "execution", "Value": "first"} in plan["tags"]
    stored = aws.get_object(Bucket=ARTIFACTS, Key=f"{plan['prefix']}/resolve/request.json")["Body"].read().decode()
    run = Run.from_json(stored)
    assert {each.name: each.version_id for each in run.files} == versions
    assert recipe.config("prod2vec", run.config) == recipe.config(
        "prod2vec", {"jobs": {"train": {"instance_type": "ml.c5.xlarge"}}}
    )


def test_only_the_latest_version_counts_and_a_deleted_file_is_missing(aws):
    put_set(aws)
    latest = put(aws, PRODUCTS, b"newer")
    assert call(uploaded(f"raw/prod2vec/demo/{PRODUCTS}"))["objects"][PRODUCTS] == latest
    aws.delete_object(Bucket=RAW, Key=f"raw/prod2vec/demo/{ORDERS}")
    plan = call(uploaded(f"raw/prod2vec/demo/{PRODUCTS}"), "second")
    assert plan["reason"] == "waiting for order_products__prior.csv"


def test_the_same_versions_train_once_however_often_and_whenever_delivered(aws):
    put_set(aws)
    event = uploaded(f"raw/prod2vec/demo/{PRODUCTS}")
    with ThreadPoolExecutor(8) as pool:
        plans = list(pool.map(lambda number: call(event, f"run-{number}"), range(8)))
    assert sorted(plan["outcome"] for plan in plans) == ["nothing"] * 7 + ["train"]
    refused = next(plan for plan in plans if plan["outcome"] == "nothing")
    assert "already works on these object versions" in refused["reason"]


def test_the_same_execution_may_resolve_again(aws):
    put_set(aws)
    event = uploaded(f"raw/prod2vec/demo/{PRODUCTS}")
    assert call(event) == call(event)


def test_a_new_version_of_one_file_trains_again(aws):
    put_set(aws)
    event = uploaded(f"raw/prod2vec/demo/{PRODUCTS}")
    first = call(event, "one")
    put(aws, PRODUCTS, b"changed")
    second = call(event, "two")
    assert second["outcome"] == "train"
    assert second["fingerprint"] != first["fingerprint"]


def test_a_start_may_ask_that_nothing_is_reused(aws):
    put_set(aws)
    asked = {"recipe": "prod2vec", "dataset": "demo"}
    assert call({**asked, "fresh": True})["fresh"] is True
    assert "fresh" not in call(asked, "second")
    assert 'Expected "fresh" to be true or false' in call({**asked, "fresh": "yes"}, "third")["reason"]


def test_manual_start_trains_even_on_versions_that_were_trained(aws):
    put_set(aws)
    assert call(uploaded(f"raw/prod2vec/demo/{PRODUCTS}"), "one")["outcome"] == "train"
    plan = call({"recipe": "prod2vec", "dataset": "demo", "overrides": {"hyperparameters": {"epochs": 3}}}, "two")
    assert plan["outcome"] == "train"
    assert plan["hyperparameters"]["epochs"] == "3"


def test_run_json_overrides_the_configuration(aws):
    put(aws, "run.json", json.dumps({"tune": True, "hyperparameters": {"epochs": 2}}).encode())
    put_set(aws)
    plan = call(uploaded(f"raw/prod2vec/demo/{PRODUCTS}"))
    assert plan["tune"] is True
    assert plan["hyperparameters"]["epochs"] == "2"
    assert "run.json" not in plan["objects"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "line 1, column 2: expected JSON"),
        (b"[1]", "expected a JSON object of settings, found list"),
        (b'{"a": "\xff"}', "expected UTF-8 text, found an invalid byte at position 7"),
        (b'{"epoch": 3}', "epoch: unknown setting; known here are"),
        (b'{"hyperparameters": {"epochs": 0}}', "hyperparameters.epochs: expected"),
        (b'{"hyperparameters": {"epochs": "many"}}', "hyperparameters.epochs: expected a whole number, found 'many'"),
        (b'{"gate": {"minimum": {"unknown": 1}}}', "gate.minimum.unknown: unknown setting"),
        (b'{"tuning": {"strategy": "Hyperband"}}', "tuning.strategy: expected one of Bayesian, Random, Grid, found"),
        (b'{"tuning": {"strategy": "Grid"}}', "embedding_size (integer), learning_rate (continuous)"),
        (b" " * 70_000, "expected at most 65536 bytes"),
        (b'{"hyperparameters": {"epochs": 1' + b"0" * 5000 + b"}}", "found a number of 5,001 digits"),
        (b'{"jobs": {"train": {"instance_type": "\\ud800"}}}', "found half a character"),
        (b'{"a": ' + b"[" * 9_000 + b"]" * 9_000 + b"}", "found more than 32 levels of brackets"),
        (json.dumps({f"x{number}": 1 for number in range(5_000)}).encode(), "characters more)"),
        (b'{"gate": {"minimum": {"hit_rate_at_10": -1e9}}}', "gate.minimum.hit_rate_at_10: "),
        (b'{"x\\nConsole: https://evil.example": 1}', r"x\nConsole: https://evil.example: unknown setting"),
    ],
)
def test_bad_run_json_is_refused_before_any_job(aws, content, expected):
    put(aws, "run.json", content)
    put_set(aws)
    plan = call(uploaded(f"raw/prod2vec/demo/{PRODUCTS}"))
    assert plan["outcome"] == "refused"
    assert expected in plan["reason"]
    assert aws.list_objects_v2(Bucket=ARTIFACTS)["KeyCount"] == 0
    assert boto3.client("dynamodb").scan(TableName=LEDGER)["Count"] == 0


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("raw/unknown/demo/products.csv", "found 'unknown'"),
        ("raw/products.csv", "Expected a key of the form raw/<recipe>/<dataset>/<file>"),
        ("raw/prod2vec/demo//products.csv", "Expected a key of the form"),
        ("raw/prod2vec/demo/deeper/../products.csv", "Expected a key of the form"),
        ("raw/prod2vec/a,b/products.csv", "Expected a data set name"),
        ("score/prod2vec/demo/products.csv", "Expected a key of the form raw/<recipe>/<dataset>/<file>"),
        ("raw/prod2vec/../products.csv", "Expected a data set name"),
        ("raw/prod2vec/demo/..", "Expected a key of the form"),
        ("raw/prod2vec/demo\ud800/products.csv", "half a character"),
    ],
)
def test_uploads_in_the_wrong_place_are_refused_with_what_was_expected(aws, key, expected):
    plan = call(uploaded(key))
    assert plan["outcome"] == "refused"
    assert expected in plan["reason"]


@pytest.mark.parametrize("key", ["raw/", "raw/prod2vec/", "raw/prod2vec/demo/", "raw/prod2vec/demo/old/", "raw/new/"])
def test_a_folder_made_in_the_console_is_nothing_to_do(aws, key):
    put_set(aws)
    aws.put_object(Bucket=RAW, Key=key)
    plan = call(uploaded(key))
    assert plan["outcome"] == "nothing"
    assert plan["reason"] == f"{key} is only a folder; a run starts with the files uploaded into it"
    assert call(uploaded(f"raw/prod2vec/demo/{PRODUCTS}"), "second")["outcome"] == "train"


def test_names_with_spaces_and_letters_of_any_script_work(aws):
    folder = "raw/prod2vec/März 2026 新"
    for name in (ORDERS, PRODUCTS):
        put(aws, name, folder=folder)
    plan = call(uploaded(f"{folder}/{PRODUCTS}"))
    assert (plan["outcome"], plan["dataset"]) == ("train", "März 2026 新")


@pytest.mark.parametrize(
    "request_", [{}, {"recipe": "prod2vec"}, {"recipe": "prod2vec", "dataset": "d", "override": {}}]
)
def test_other_inputs_are_refused(aws, request_):
    assert call(request_)["outcome"] == "refused"


SCHEDULED = {"recipe": "propensity", "dataset": "database", "overrides": {"data": {"source": "database"}}}


@pytest.mark.parametrize(
    "event",
    [
        [1],
        "raw/prod2vec/demo/products.csv",
        None,
        {"detail-type": "Object Created"},
        {"detail-type": "Object Created", "detail": None},
        {"detail-type": "Object Created", "detail": {"object": "key"}},
        {"detail-type": "Object Created", "detail": {"object": {"key": 5}}},
        {"detail-type": "Object Created", "recipe": "prod2vec", "dataset": "demo"},
        {"recipe": "prod2vec", "dataset": "demo", "overrides": {"\ud800": 1}},
    ],
)
def test_an_input_of_any_json_is_answered_with_a_sentence(aws, event):
    plan = call(event)
    assert plan["outcome"] == "refused"
    assert plan["reason"].startswith("Expected ")
    json.dumps(plan, ensure_ascii=False).encode()


def test_a_database_without_a_named_product_fans_out_and_keeps_the_request_for_the_children(aws):
    plan = call(SCHEDULED)
    assert plan["outcome"] == "fan_out"
    stored = aws.get_object(Bucket=ARTIFACTS, Key=f"{plan['prefix']}/resolve/request.json")["Body"].read().decode()
    assert Run.from_json(stored).overrides == SCHEDULED["overrides"]
    assert call(SCHEDULED) == plan
    assert call(SCHEDULED, "two weeks later")["run_id"] != plan["run_id"]


def test_a_child_trains_its_product_and_is_recorded_in_the_database(aws):
    overrides = {"data": {"source": "database", "product_id": 7}}
    plan = call({**SCHEDULED, "overrides": overrides, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:parent"})
    assert (plan["outcome"], plan["model"], plan["register"]) == ("train", "propensity-product-7", True)


def test_a_file_is_about_one_product_and_no_database_hears_of_it(aws):
    put(aws, "propensity.sqlite", folder="raw/propensity/demo")
    plan = call(uploaded("raw/propensity/demo/propensity.sqlite"))
    assert (plan["outcome"], plan["register"]) == ("train", False)


def test_two_shops_have_models_of_their_own(aws):
    """Champion, endpoint, group and partitions are named after what the settings beside the data, or a start, name."""
    for shop in ("north", "south"):
        folder = f"raw/prod2vec/{shop}"
        put(aws, "run.json", json.dumps({"model": f"shop-{shop}"}).encode(), folder=folder)
        for name in (ORDERS, PRODUCTS):
            put(aws, name, folder=folder)
    plans = [call(uploaded(f"raw/prod2vec/{shop}/{PRODUCTS}"), shop) for shop in ("north", "south")]
    plans.append(call({"recipe": "prod2vec", "dataset": "south", "overrides": {"model": ""}}, "own"))
    named = [(each["model"], each["short_name"], each["group_name"], each["own_group"]) for each in plans]
    assert named == [
        *((f"prod2vec--shop-{shop}",) * 3 + (True,) for shop in ("north", "south")),
        ("prod2vec", "prod2vec", "prod2vec", False),
    ]


def test_a_named_model_of_one_product_is_called_after_both_and_shares_the_groups_of_its_name(aws):
    overrides = {"data": {"source": "database", "product_id": 7}, "model": "shop-north"}
    plan = call({**SCHEDULED, "overrides": overrides})
    assert plan["model"] == plan["short_name"] == "propensity-product-7--shop-north"
    assert plan["group_name"] == "propensity--shop-north"
