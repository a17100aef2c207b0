"""`trainyard schedules`: what is listed, and what starts at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.story import FakeStepFunctions, Story
from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment

NIGHTLY = {"recipe": "prod2vec", "dataset": "mine", "task": "train", "folder": "raw", "overrides": {"model": "north"}}
SCORES = {"recipe": "prod2vec", "dataset": "today", "task": "score", "folder": "score", "overrides": {}}


@pytest.fixture(autouse=True)
def scheduler(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    client = deployment.target.client("scheduler")
    client.create_schedule_group(Name=deployment.name)
    return client


def put(
    scheduler: Any, name: str, given: dict[str, Any], *, state: str = "ENABLED", group: str = "trainyard-dev"
) -> None:
    scheduler.create_schedule(
        Name=name,
        GroupName=group,
        State=state,
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:states:::machine", "RoleArn": "arn:aws:iam::1:role/r", "Input": json.dumps(given)},
    )


def test_schedules_are_listed_with_how_they_ended_last(
    scheduler: Any,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    put(scheduler, "nightly", NIGHTLY)
    put(scheduler, "scores", SCORES, state="DISABLED")
    put(scheduler, "anothers", NIGHTLY, group="default")
    output = json.dumps({"outcome": "refused"})
    step_functions.put("by-clock", Story(), input=json.dumps(NIGHTLY), status="SUCCEEDED", output=output)
    assert main(["schedules"]) == 0
    said = capsys.readouterr().out
    [nightly] = [line for line in said.splitlines() if line.startswith("nightly")]
    assert nightly.split()[1:7] == ["prod2vec", "trains", "mine", "rate(1", "day)", "on"]
    assert "refused, " in nightly
    [scores] = [line for line in said.splitlines() if line.startswith("scores")]
    assert scores.split()[1:] == ["prod2vec", "scores", "today", "rate(1", "day)", "off"]
    assert "anothers" not in said
    assert main(["schedules", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["name"], first["input"], first["last"]["execution"]) == ("nightly", NIGHTLY, "by-clock")
    assert (second["enabled"], second["last"]) == (False, None)


def test_one_that_is_off_starts_at_once_with_its_own_input(
    scheduler: Any, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    put(scheduler, "scores", SCORES, state="DISABLED")
    assert main(["schedules", "--now", "scores", "--no-follow"]) == 0
    [started] = step_functions.started
    assert json.loads(started["input"]) == SCORES
    assert started["name"] in capsys.readouterr().out


def test_a_name_that_is_nearly_right_is_named(scheduler: Any, capsys: pytest.CaptureFixture[str]) -> None:
    put(scheduler, "nightly", NIGHTLY)
    assert main(["schedules", "--now", "nigthly"]) == 4
    assert "known are nightly. Did you mean nightly?" in capsys.readouterr().err


def test_where_there_are_none_it_says_how_to_have_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedules"]) == 0
    assert "No schedules." in capsys.readouterr().out
