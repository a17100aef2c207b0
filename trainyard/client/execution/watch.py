"""Finds the execution that an upload started, among the several that its files start; runs on a laptop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, takewhile

from trainyard.client.dataset.uploads import Upload
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.find_execution import SEARCHED
from trainyard.client.execution.history import visits
from trainyard.errors import NotFound
from trainyard.run.folders import NO_DATA
from trainyard.run.plan import NextStep, Plan
from trainyard.stages.resolve.plan import MOST_SHOWN

# Executions that began in the same moment as the newest one, before the upload.
PASSED_OVER = 100
# Several times what EventBridge needs, and a cold start of the first Lambda.
PATIENCE_SECONDS = 180.0
# Which of several executions is the one to follow: the first of these; any other comes before them.
ORDER = (NextStep.REFUSED, NextStep.TRAIN, NextStep.NOTHING)


@dataclass(frozen=True, kw_only=True)
class Started:
    """One execution that a file started. `plan` is what Resolve decided, None where that first state failed."""

    execution: Execution
    plan: Plan | None

    @property
    def next_step(self) -> NextStep | None:
        """Which way it takes; None for one that failed at its start."""
        return self.plan.outcome if self.plan else None

    @property
    def reason(self) -> str:
        """Why it takes that way, or why it has no plan."""
        return self.plan.reason if self.plan else self.execution.failure

    def trains(self, uploads: Iterable[Upload]) -> bool:
        """Whether it trains on exactly these versions: a set may also have been complete with an older file."""
        if self.plan is None or self.plan.outcome is not NextStep.TRAIN:
            return False
        objects = self.plan.objects or {}
        files = [each for each in uploads if each.name not in NO_DATA]
        if len(objects) == MOST_SHOWN:
            files = [each for each in files if each.name in objects]
        return all(objects.get(each.name) == each.version_id for each in files)


@dataclass
class Watch:
    """Looks for executions that began after `begin`; `since` is when the newest one by then began."""

    deployment: Deployment
    since: datetime | None = None
    uploads: list[Upload] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    decided: dict[str, Started] = field(default_factory=dict)

    @classmethod
    def begin(cls, deployment: Deployment) -> Watch:
        """A watch that passes over every execution there is by now."""
        found = list(islice(executions.summaries(deployment, page=PASSED_OVER), PASSED_OVER))
        since = found[0]["startDate"] if found else None
        return cls(deployment, since, known={each["executionArn"] for each in found})

    def wait(
        self, uploads: list[Upload], *, patience: float = PATIENCE_SECONDS, sleep: Callable[[float], None] = time.sleep
    ) -> Started:
        """The execution that trains on `uploads`, or else the one whose reason says why none does.

        Raises NotFound when nothing decided within `patience` seconds.
        """
        self.uploads = uploads
        deadline = time.monotonic() + patience
        while True:
            self._look()
            chosen = self._chosen()
            if chosen is not None:
                return chosen
            if time.monotonic() > deadline:
                return self._last_resort(patience)
            sleep(self.deployment.target.poll_seconds)

    def _look(self) -> None:
        newest = islice(executions.summaries(self.deployment, page=PASSED_OVER), SEARCHED)
        for summary in takewhile(lambda each: self.since is None or each["startDate"] >= self.since, newest):
            arn = summary["executionArn"]
            if arn in self.known or arn in self.decided:
                continue
            execution = executions.describe(self.deployment.target, arn)
            if not self._mine(execution):
                self.known.add(arn)
                continue
            plan = plan_of(self.deployment, execution)
            if plan is not None or not execution.running:
                self.decided[arn] = Started(execution=execution, plan=plan)

    def _mine(self, execution: Execution) -> bool:
        """Whether one of the uploads started it. A local cloud's events name no version, only the key."""
        named = execution.uploaded
        return any(
            each.key == named.get("key") and named.get("version-id") in (None, each.version_id) for each in self.uploads
        )

    def _chosen(self) -> Started | None:
        found = list(self.decided.values())
        training = [each for each in found if each.trains(self.uploads)]
        if training:
            return training[0]
        # Those of earlier files wait or end, each for the one after it; what is wrong is told by the last one.
        last = [each for each in found if each.execution.uploaded["key"] == self.uploads[-1].key]
        if any(each.next_step is not NextStep.NOTHING for each in last):
            return self._best(last)
        # Only when every file has been heard of is it certain that none of them completes the set.
        heard = {each.execution.uploaded["key"] for each in found}
        return self._best(found) if heard >= {each.key for each in self.uploads} else None

    def _best(self, found: list[Started]) -> Started:
        newest = sorted(found, key=lambda each: each.execution.started, reverse=True)
        newest.sort(key=lambda each: each.execution.uploaded["key"] != self.uploads[-1].key)
        return min(newest, key=lambda each: ORDER.index(each.next_step) if each.next_step in ORDER else -1)

    def _last_resort(self, patience: float) -> Started:
        if self.decided:
            return self._best(list(self.decided.values()))
        raise NotFound(
            f"Expected the upload to start an execution within {patience:.0f} s, found none. Look whether the rule of "
            "the raw bucket is enabled and whether its dead letter queue holds messages; see `trainyard executions`."
        )


def decided(deployment: Deployment, arn: str, *, sleep: Callable[[float], None] = time.sleep) -> Started:
    """An execution that was started by hand, once its first state has decided."""
    while True:
        execution = executions.describe(deployment.target, arn)
        plan = plan_of(deployment, execution)
        if plan is not None or not execution.running:
            return Started(execution=execution, plan=plan)
        sleep(deployment.target.poll_seconds)


def plan_of(deployment: Deployment, execution: Execution) -> Plan | None:
    """What the first state decided; None while it has not, and for an execution that failed before it could."""
    visited = visits(executions.history(deployment.target, execution.arn))
    looks = [each for each in visited if each.name == visited[0].name]
    if not looks or not isinstance(looks[-1].output, Mapping):
        return None
    plan = Plan.from_mapping(looks[-1].output)
    return None if plan.outcome is NextStep.SETTLE else plan
