"""What people, and the registry, are told at the end of a run."""

from __future__ import annotations

import json

import pytest

from tests.state_machine.scenarios import scenarios
from tests.state_machine.walk import SUBSTITUTIONS, definition, walk

LEFT_OUT = "ratings.csv, line 3,001: left out: expected 4 fields, found 2 (1 of 5,000 lines)."


@pytest.mark.parametrize("state", ["Notify", "Report refused model", "Notify of scores", "Report observed quality"])
def test_what_is_worth_knowing_of_the_data_stands_in_the_message(state: str) -> None:
    scenario = json.loads(json.dumps(next(each for each in scenarios() if state in each["path"])))
    before = {each.state: each.arguments for each in walk(definition(), scenario).calls}[state]["Message"]
    answer = scenario["results"]["Read data quality"][-1]["result"]
    answer["Body"] = json.dumps({**json.loads(answer["Body"]), "warnings": [LEFT_OUT, "And another."]})
    after = {each.state: each.arguments for each in walk(definition(), scenario).calls}[state]["Message"]
    assert "About the data" not in before
    assert after == f"{before}\n\nAbout the data:\n* {LEFT_OUT}\n* And another."


@pytest.mark.parametrize(
    ("standing", "kept"),
    [("better than linear SVM, words (1)", "better than linear SVM words 1"), ("", "not compared")],
)
def test_a_registered_version_says_how_it_compares_in_letters_that_the_registry_takes(standing: str, kept: str) -> None:
    scenario = json.loads(json.dumps(next(each for each in scenarios() if "Register model" in each["path"])))
    scenario["results"]["Gate"][-1]["result"]["Payload"]["standing"] = standing
    calls = {each.state: each.arguments for each in walk(definition(), scenario).calls}
    assert calls["Register model"]["CustomerMetadataProperties"]["standing"] == kept


def test_a_run_is_logged_elsewhere_by_a_job_with_a_way_to_it() -> None:
    asked = {each.state: each.arguments for each in walk(definition(), scenarios()[0]).calls}
    assert asked["Log run elsewhere"]["Environment"]["MLFLOW_TRACKING_URI"] == "https://mlflow.example.com"
    assert not asked["Log run elsewhere"]["NetworkConfig"]["EnableNetworkIsolation"]
    assert asked["Write report"]["NetworkConfig"]["EnableNetworkIsolation"]
    assert "MLflow" not in asked["Notify"]["Message"]


def test_without_a_server_nothing_is_logged() -> None:
    machine = definition({**SUBSTITUTIONS, "MlflowUri": "none"})
    assert "Log run elsewhere" not in walk(machine, scenarios()[0]).path


def test_a_model_is_registered_where_its_run_cannot_be_logged_which_is_said() -> None:
    failed = [each for each in scenarios() if each["name"].startswith("a run that cannot be logged")]
    for scenario in failed:
        found = walk(definition(), scenario)
        message = {each.state: each.arguments for each in found.calls}["Notify"]["Message"]
        assert message.endswith("\n\nThe run was not logged to MLflow: no way")
        assert found.path[-1] == "Model registered"
    assert len(failed) == 3


def test_what_moved_in_scored_data_stands_in_the_message_and_what_follows_is_started_once() -> None:
    scenario = next(each for each in scenarios() if "Start retraining" in each["path"])
    calls = {each.state: each.arguments for each in walk(definition(), scenario).calls}
    assert calls["Notify of scores"]["Message"].endswith("/\n\n1 of 4 columns moved.")
    started, asked = calls["Start retraining"], scenario["results"]["Compare with training"][-1]["result"]["Payload"]
    assert started["StateMachineArn"].endswith(":7")
    own = scenario["context"]["Execution"]["Id"]
    assert started["Input"] == {**asked["retrain"], "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": own}
    assert started["Name"] == f"drift-{calls['Compare with training']['Payload']['run']['run_id']}"
