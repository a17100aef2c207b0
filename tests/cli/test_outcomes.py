"""The names of an execution's ends are those of the state machine, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainyard.run.outcome import FAILURES, Outcome
from trainyard.run.plan import NextStep

MACHINE = Path(__file__).parents[2] / "state_machines" / "training.asl.json"


@pytest.fixture(scope="module")
def states() -> dict[str, dict[str, Any]]:
    return json.loads(MACHINE.read_text(encoding="utf-8"))["States"]


def test_every_end_of_the_machine_is_an_outcome_and_every_outcome_an_end(states: dict[str, dict[str, Any]]) -> None:
    successes = {
        each["Output"]["outcome"] for each in states.values() if each["Type"] == "Succeed" and "Output" in each
    }
    errors = {each["Error"] for each in states.values() if each["Type"] == "Fail"}
    assert successes | {NextStep.NOTHING.value} == set(Outcome) - FAILURES
    assert errors == FAILURES


def test_only_the_plan_that_does_nothing_ends_without_an_output_of_its_own(states: dict[str, dict[str, Any]]) -> None:
    silent = [name for name, each in states.items() if each["Type"] == "Succeed" and "Output" not in each]
    assert silent == ["Nothing to do"]
    assert NextStep.NOTHING.value == Outcome.NOTHING
    assert not any(each.get("End") for each in states.values())
