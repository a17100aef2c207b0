"""Finds what is in alarm: the CloudWatch alarms of an environment that ring now; runs on a laptop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trainyard.client.deployment import Deployment


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm that rings: what it watches in words, and since when."""

    name: str
    sentence: str
    since: datetime


def ringing(deployment: Deployment) -> list[Alarm]:
    """The alarms of the environment's stacks that ring, the newest first."""
    pages = (
        deployment.target.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=f"{deployment.name}-", AlarmTypes=["MetricAlarm"])
    )
    found = [
        Alarm(
            name=each["AlarmName"],
            sentence=each.get("AlarmDescription") or each["AlarmName"],
            since=each["StateUpdatedTimestamp"],
        )
        for page in pages
        for each in page["MetricAlarms"]
        if each["StateValue"] == "ALARM"
    ]
    return sorted(found, key=lambda each: each.since, reverse=True)
