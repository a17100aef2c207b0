"""What starts by the clock in an environment, as EventBridge Scheduler knows it; starts one by hand; on a laptop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.executions import Execution
from trainyard.errors import NotFound
from trainyard.run.settings.suggestion import did_you_mean
from trainyard.stages.resolve import request

DESCRIBED_AT_ONCE = 8
# Who started an execution is not listed: among so many that began last, one of a schedule is known by its input.
LOOKED_THROUGH = 100


@dataclass(frozen=True, kw_only=True)
class ScheduledStart:
    """A schedule: `expression` says when, in UTC, and `input` what the machine is started with.

    `last` is the newest execution that began with that input, by the clock or by hand, where it is among the newest.
    """

    name: str
    expression: str
    enabled: bool
    input: Mapping[str, Any]
    last: Execution | None = None

    @property
    def recipe(self) -> str:
        return str(self.input.get("recipe", ""))

    @property
    def dataset(self) -> str:
        return str(self.input.get("dataset", ""))

    @property
    def task(self) -> str:
        return str(self.input.get("task", "train"))


def listed(deployment: Deployment) -> list[ScheduledStart]:
    """Every schedule of the environment, by name."""
    names = sorted(_names(deployment))
    recent = list(executions.matching(deployment, None, status=None, limit=LOOKED_THROUGH)) if names else []
    with ThreadPoolExecutor(DESCRIBED_AT_ONCE) as pool:
        return list(pool.map(lambda name: _described(deployment, name, recent=recent), names))


def start(deployment: Deployment, name: str) -> tuple[str, str]:
    """Start the machine as the schedule does when it is due, also one that is off; the execution's ARN and name.

    Raises NotFound where there is no such schedule.
    """
    return executions.start(deployment, request.parse(_described(deployment, name, recent=()).input))


def _names(deployment: Deployment) -> Iterator[str]:
    pages = deployment.target.client("scheduler").get_paginator("list_schedules").paginate(GroupName=deployment.name)
    for page in pages:
        yield from (each["Name"] for each in page["Schedules"])


def _described(deployment: Deployment, name: str, *, recent: Sequence[Execution]) -> ScheduledStart:
    try:
        found = deployment.target.client("scheduler").get_schedule(GroupName=deployment.name, Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        known = sorted(_names(deployment))
        raise NotFound(
            f"Expected a schedule of environment {deployment.env}, found none called {name!r}; "
            f"known are {', '.join(known) or 'none'}.{did_you_mean(name, known)}"
        ) from error
    given = json.loads(found["Target"]["Input"])
    return ScheduledStart(
        name=name,
        expression=found["ScheduleExpression"],
        enabled=found["State"] == "ENABLED",
        input=given,
        last=next((each for each in recent if each.input == given), None),
    )
