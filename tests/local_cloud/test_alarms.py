"""Alarms are judged by their own metric, dimensions included, and by what they say of missing data."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from ministack.services import cloudwatch

from local_cloud import alarms


def alarm(**changes: Any) -> dict[str, Any]:
    made = {
        "AlarmName": f"alarm-{uuid.uuid4().hex[:8]}",
        "Namespace": "Test",
        "MetricName": "Failures",
        "Dimensions": [{"Name": "Endpoint", "Value": uuid.uuid4().hex}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0.01,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "",
        "ActionsEnabled": True,
        **changes,
    }
    cloudwatch._alarms[made["AlarmName"]] = made
    return made


def measured(given: dict[str, Any], *values: float, ago: float = 0) -> None:
    dimensions = {each["Name"]: each["Value"] for each in given["Dimensions"]}
    for value in values:
        cloudwatch._store_datum(
            "Test", "Failures", dimensions, time.time() - ago, "None", value, None, None, None
        )  # fmt: skip


def judged(given: dict[str, Any]) -> tuple[str, str]:
    alarms.evaluate(given)
    return alarms.state_of(given["AlarmName"])


def test_an_alarm_rings_and_is_quiet_again_by_its_own_metric_alone() -> None:
    mine, other = alarm(), alarm()
    measured(mine, 0, 0, 0, 1)
    assert judged(mine) == ("ALARM", "Threshold crossed: 0.25 is GreaterThanThreshold (0.01).")
    assert judged(other)[0] == "OK"
    measured(mine, *[0] * 400)
    assert judged(mine) == ("OK", "Threshold not crossed: 0.00247525 is not GreaterThanThreshold (0.01).")


def test_what_was_measured_before_its_periods_is_over() -> None:
    given = alarm(ExtendedStatistic="p99", Threshold=10)
    measured(given, 50, ago=90)
    assert judged(given)[0] == "OK"
    measured(given, *range(100))
    assert judged(given)[0] == "ALARM"


@pytest.mark.parametrize(
    ("missing", "state"),
    [("notBreaching", "OK"), ("breaching", "ALARM"), ("missing", "INSUFFICIENT_DATA"), ("ignore", "ALARM")],
)
def test_missing_data_count_as_the_alarm_says(missing: str, state: str) -> None:
    given = alarm(TreatMissingData=missing, StateValue="ALARM")
    assert judged(given)[0] == state


def test_there_is_no_state_of_an_alarm_that_is_not_there() -> None:
    assert alarms.state_of("no-such-alarm") == ("", "")
