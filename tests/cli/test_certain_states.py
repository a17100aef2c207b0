"""What will certainly be visited next, on the real state machine."""

from __future__ import annotations

from typing import Any

import pytest

from state_machines.definition import definition
from trainyard.client.execution.definition import certain_states


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    return definition()


def test_nothing_is_certain_before_the_request_is_resolved(machine: dict[str, Any]) -> None:
    assert certain_states(machine, "Resolve request") == []


def test_ingest_serves_training_and_scoring_alike(machine: dict[str, Any]) -> None:
    assert "Prepare training data" not in certain_states(machine, "Ingest raw data")


def test_from_prepare_on_every_way_leads_through_these(machine: dict[str, Any]) -> None:
    coming = certain_states(machine, "Prepare training data")
    assert [each for each in coming if each in ("Build training examples", "Evaluate model", "Write report")] == [
        "Build training examples",
        "Evaluate model",
        "Write report",
    ]
    assert not {"Train model", "Tune hyperparameters", "Create model", "Bad data"} & set(coming)


def test_training_or_tuning_is_open_until_it_is_chosen(machine: dict[str, Any]) -> None:
    assert "Analyse tuning" in certain_states(machine, "Tune hyperparameters")
    assert "Analyse tuning" not in certain_states(machine, "Train model")


def test_after_the_last_work_nothing_is_left(machine: dict[str, Any]) -> None:
    assert certain_states(machine, "Model registered") == []
    assert certain_states(machine, "no such state") == []


def test_a_kind_of_work_does_not_take_the_ways_of_others() -> None:
    def choose(condition: str) -> dict[str, Any]:
        return {"Type": "Choice", "Choices": [{"Condition": condition, "Next": "End"}], "Default": "Work"}

    states: dict[str, Any] = {
        "Start": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $run.outcome = 'train' %}", "Next": "Train"}],
            "Default": "Other",
        },
        "Train": {"Type": "Task", "Next": "Skip?"},
        "Other": {"Type": "Task", "Next": "Skip?"},
        "Skip?": choose("{% $run.outcome = 'promote' and $done %}"),
        "Work": {"Type": "Task", "Next": "End"},
        "End": {"Type": "Succeed"},
    }
    machine = {"StartAt": "Start", "States": states}
    assert certain_states(machine, "Train") == ["Work"]
    assert certain_states(machine, "Other") == []
    states["Skip?"] = choose("{% $run.outcome = 'promote' or $done %}")
    assert certain_states(machine, "Train") == []
