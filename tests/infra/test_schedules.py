"""What starts by the clock: schedules of settings and recipes, in the templates of each environment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.schedules import RecipeSchedule
from infra.settings import Settings
from tests.infra.templates import Deployment
from trainyard.contract.config import Schedule
from trainyard.errors import ConfigError
from trainyard.run import recipe
from trainyard.stages.resolve import request


def scheduled(deployment: Deployment) -> dict[str, dict[str, Any]]:
    return {each["Name"]: each for each in deployment.workflow.resources("AWS::Scheduler::Schedule").values()}


def given(schedule: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(schedule["Target"]["Input"])
    return found


def of_prod2vec(name: str = "nightly", **values: Any) -> RecipeSchedule:
    return RecipeSchedule(
        name=name, recipe="prod2vec", schedule=Schedule(**{"expression": "rate(1 day)", "dataset": "mine", **values})
    )


def test_a_recipes_schedule_starts_its_fan_out_but_not_before_there_is_a_database(deployment: Deployment) -> None:
    schedule = scheduled(deployment)["propensity"]
    assert schedule["ScheduleExpression"] == "rate(14 days)"
    assert schedule["State"] == "DISABLED"
    assert given(schedule)["overrides"] == {"data": {"source": "database", "product_id": 0}}
    assert recipe.config("propensity", given(schedule)["overrides"]).fans_out
    assert schedule["Target"]["Arn"].endswith(f":stateMachine:trainyard-{deployment.environment}-training:live")
    [role] = [name for name in deployment.workflow.resources("AWS::IAM::Role") if "SchedulesRole" in name]
    assert schedule["Target"]["RoleArn"] == deployment.workflow.arn(role)
    assert schedule["Target"]["DeadLetterConfig"]["Arn"]


def test_schedules_lie_in_a_group_of_their_environment(deployment: Deployment) -> None:
    """By it they are listed, and by nothing that CloudFormation made up."""
    group = deployment.workflow.only("AWS::Scheduler::ScheduleGroup")
    assert group["Name"] == f"trainyard-{deployment.environment}"
    [logical_id] = deployment.workflow.resources("AWS::Scheduler::ScheduleGroup")
    assert {each["GroupName"] for each in scheduled(deployment).values()} == {group["Name"]}
    assert logical_id


def test_an_environment_starts_what_its_settings_name(full: Deployment) -> None:
    found = scheduled(full)
    assert {name: each["State"] for name, each in found.items()} == {
        "propensity": "ENABLED",
        "shop-north": "ENABLED",
        "scores": "DISABLED",
        "drift": "ENABLED",
    }
    assert found["shop-north"]["ScheduleExpression"] == "cron(0 3 ? * MON *)"
    north, scores = (request.parse(given(found[name])) for name in ("shop-north", "scores"))
    assert (north.task, north.prefix, north.overrides) == ("train", "raw/prod2vec/north/", {"model": "shop-north"})
    assert (scores.task, scores.prefix) == ("score", "score/headline_classifier/today/")
    assert request.parse(given(found["drift"])).task == "check_drift"
    assert found["drift"]["Description"].startswith("Checks the requests to ")


@pytest.mark.parametrize("name", recipe.names())
def test_what_a_recipes_schedule_starts_is_valid(name: str) -> None:
    if wanted := recipe.schedule(name):
        assert list(RecipeSchedule(name="own", recipe=name, schedule=wanted).problems()) == []


@pytest.mark.parametrize(
    ("schedules", "expected"),
    [
        ([of_prod2vec("Nightly!")], "lower case letters, digits and hyphens, a letter first, found 'Nightly!'"),
        ([of_prod2vec(dataset="a/b")], "schedule nightly: Expected a data set name of"),
        (
            [of_prod2vec(overrides={"hyperparameters": {"epoch": 1}})],
            "hyperparameters.epoch: unknown setting",
        ),
        ([of_prod2vec(folder="score")], "schedule nightly: Expected"),
        ([RecipeSchedule(name="x", recipe="prod3vec", schedule=of_prod2vec().schedule)], "Did you mean prod2vec"),
        ([of_prod2vec(), of_prod2vec()], "expected schedules of different names, found nightly more than once"),
        ([of_prod2vec("propensity")], "found propensity more than once"),
        (
            [of_prod2vec(dataset="", task="check_drift")],
            "expected capture, which keeps requests, beside schedule nightly",
        ),
    ],
)
def test_what_could_not_start_is_not_synthesized(schedules: list[RecipeSchedule], expected: str) -> None:
    with pytest.raises(ConfigError, match="Settings of environment odd") as raised:
        Settings(name="odd", schedules=tuple(schedules))
    assert expected in str(raised.value)


def test_a_check_that_a_recipe_brings_needs_requests_too(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = Schedule(expression="rate(1 day)", task="check_drift")
    monkeypatch.setattr(recipe, "schedule", lambda name: brought if name == "prod2vec" else None)
    with pytest.raises(ConfigError, match="beside schedule prod2vec, which checks them"):
        Settings(name="odd")


def test_a_schedule_names_a_data_set_where_one_is_read() -> None:
    with pytest.raises(ValueError, match="expected a data set for a schedule of task train"):
        Schedule(expression="rate(1 day)")
    with pytest.raises(ValueError, match="expected no data set for a schedule of task check_drift, found 'mine'"):
        Schedule(expression="rate(1 day)", task="check_drift", dataset="mine")


def test_an_expression_is_one_of_schedulers() -> None:
    with pytest.raises(ValueError, match="found 'every day'"):
        Schedule(expression="every day", dataset="mine")
