"""Evaluates the alarms of CloudWatch by their dimensions and by what they say of missing data; runs in the server.

MiniStack judges an alarm by every metric of its name, whatever the endpoint or function that it belongs to, and leaves
it as it is where there are no data.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudwatch

Alarm = dict[str, Any]

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
WITHOUT_DATA = {"notBreaching": "OK", "breaching": "ALARM", "missing": "INSUFFICIENT_DATA"}


def install() -> None:
    """Judge alarms by the metric that they name, dimensions included."""
    cloudwatch._evaluate_alarm = evaluate


def state_of(name: str) -> tuple[str, str]:
    """The state of an alarm of the caller's account and region, and why; empty where there is no such alarm."""
    alarm = cloudwatch._alarms.get(name)
    return (alarm["StateValue"], alarm["StateReason"]) if alarm else ("", "")


def evaluate(alarm: Alarm) -> None:
    """Set the state of an alarm by the latest data of its metric, and tell whom it is to tell."""
    compare = COMPARISONS.get(alarm.get("ComparisonOperator") or "")
    if compare is None or not alarm.get("MetricName"):
        return
    value = _latest(alarm)
    if value is None:
        state = WITHOUT_DATA.get(alarm.get("TreatMissingData") or "missing")
        # To ignore missing data is to stay as it is.
        _become(alarm, state or alarm["StateValue"], reason="No data were received for the alarm's periods.")
        return
    crossed = compare(value, alarm["Threshold"])
    found = f"{value:.6g} is {'' if crossed else 'not '}{alarm['ComparisonOperator']} ({alarm['Threshold']:.6g})."
    reason = f"Threshold {'crossed' if crossed else 'not crossed'}: {found}"
    _become(alarm, "ALARM" if crossed else "OK", reason=reason)


def _latest(alarm: Alarm) -> float | None:
    """The statistic over the alarm's periods up to now, None without data."""
    dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or []}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    start = time.time() - alarm["Period"] * alarm["EvaluationPeriods"]
    points = [each for each in cloudwatch._metrics.get(key) or [] if each["Timestamp"] >= start]
    if not points:
        return None
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
    return value


def _become(alarm: Alarm, state: str, *, reason: str) -> None:
    before = alarm["StateValue"]
    if state == before:
        return
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
