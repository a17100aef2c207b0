"""Resolve, when labels of earlier predictions come: an upload is enough, and it never starts a training."""

from __future__ import annotations

import json

import pytest

from tests.lambdas.conftest import ARTIFACTS, RAW
from tests.lambdas.test_resolve import call, put, uploaded
from trainyard.run.run import Run

FOLDER = "truth/propensity/november"


def stored(aws, plan) -> Run:
    key = f"{plan['prefix']}/resolve/request.json"
    return Run.from_json(aws.get_object(Bucket=ARTIFACTS, Key=key)["Body"].read().decode())


def test_an_upload_of_labels_is_set_beside_predictions(aws):
    put(aws, "monday.csv", folder=FOLDER)
    put(aws, "truth.csv", folder=FOLDER)
    plan = call(uploaded(f"{FOLDER}/truth.csv"))
    assert (plan["outcome"], plan["model"], plan["dataset"]) == ("verify", "propensity", "november")
    run = stored(aws, plan)
    assert run.task == "verify"
    # Whatever they are called: labels are the only table.
    assert [(each.name, each.source) for each in run.files] == [("monday.csv", "truth"), ("truth.csv", "truth")]
    # Labels without a time are as old as their own file, whichever upload asks for them.
    head = aws.head_object(Bucket=RAW, Key=f"{FOLDER}/monday.csv")
    assert run.files[0].uploaded_at == head["LastModified"].replace(tzinfo=None).isoformat()
    again = call(uploaded(f"{FOLDER}/truth.csv"), "second")
    assert again["outcome"] == "nothing"
    assert "already works on these object versions" in again["reason"]


def test_settings_alone_wait_for_labels_and_say_whose_they_are(aws):
    put(aws, "run.json", json.dumps({"model": "shop-north"}).encode(), folder=FOLDER)
    plan = call(uploaded(f"{FOLDER}/run.json"))
    assert (plan["outcome"], plan["reason"]) == ("nothing", "waiting for truth.csv")
    put(aws, "truth.csv", folder=FOLDER)
    assert call(uploaded(f"{FOLDER}/truth.csv"), "second")["model"] == "propensity--shop-north"


def test_columns_of_labels_can_be_named(aws):
    named = {"files": {"truth": {"columns": {"label": "came back"}}}}
    put(aws, "run.json", json.dumps(named).encode(), folder=FOLDER)
    put(aws, "truth.csv", folder=FOLDER)
    plan = call(uploaded(f"{FOLDER}/truth.csv"))
    assert stored(aws, plan).config["files"]["truth"]["columns"] == {"label": "came back"}


def test_a_recipe_without_truth_says_so(aws):
    put(aws, "truth.csv", folder="truth/neural_topic_model/reviews")
    plan = call(uploaded("truth/neural_topic_model/reviews/truth.csv"))
    assert plan["outcome"] == "refused"
    assert "found neural_topic_model: what it says is not known to be right or wrong later" in plan["reason"]


@pytest.mark.parametrize("change", [{"folder": "raw"}, {"folder": "score"}, {"task": "train"}])
def test_labels_lie_in_their_own_folder(aws, change):
    asked = {"recipe": "propensity", "dataset": "november", "task": "verify", "folder": "truth"} | change
    plan = call(asked)
    assert plan["outcome"] == "refused"
    assert "for verify truth" in plan["reason"]


def test_a_start_by_hand_without_labels_is_refused(aws):
    plan = call({"recipe": "propensity", "dataset": "november", "task": "verify", "folder": "truth"})
    assert plan["outcome"] == "refused"
    assert "truth.csv is missing" in plan["reason"]
