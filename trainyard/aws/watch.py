"""Finds the execution that an upload started, among the several that its files start; runs on a laptop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trainyard.aws import executions
from trainyard.aws.deployment import Deployment
from trainyard.aws.executions import Execution
from trainyard.aws.history import visits
from trainyard.aws.uploads import Upload
from trainyard.errors import NotFound

# Several times what EventBridge needs, and a cold start of the first Lambda.
PATIENCE_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class Started:
    """One execution that a file started, and what its first state decided (`trainyard.plan`)."""

    execution: Execution
    plan: Mapping[str, Any]

    @property
    def outcome(self) -> str:
        return str(self.plan.get("outcome", ""))

    def trains(self, uploads: Iterable[Upload]) -> bool:
        """Whether it trains on exactly these versions: a set may also have been complete with an older file."""
        objects = self.plan.get("objects", {})
        return self.outcome == "train" and all(objects.get(each.filename) == each.version_id for each in uploads)


@dataclass
class Watch:
    """Looks for executions that began after it was made."""

    deployment: Deployment
    uploads: list[Upload] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    decided: dict[str, Started] = field(default_factory=dict)

    @classmethod
    def begin(cls, deployment: Deployment) -> Watch:
        """A watch that passes over every execution there is by now."""
        pairs = zip(executions.summaries(deployment), range(executions.SEARCHED), strict=False)
        return cls(deployment, known={each["executionArn"] for each, _ in pairs})

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
        for summary, _ in zip(executions.summaries(self.deployment), range(executions.SEARCHED), strict=False):
            arn = summary["executionArn"]
            if arn in self.known or arn in self.decided:
                continue
            execution = executions.describe(self.deployment.target, arn)
            if not self._mine(execution):
                self.known.add(arn)
                continue
            plan = plan_of(self.deployment, execution)
            if plan is not None:
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
        # Only when every file has been heard of is it certain that none of them completes the set.
        heard = {each.execution.uploaded["key"] for each in found}
        return self._best(found) if heard >= {each.key for each in self.uploads} else None

    @staticmethod
    def _best(found: list[Started]) -> Started:
        order = ("refused", "train", "nothing")
        newest = sorted(found, key=lambda each: each.execution.started, reverse=True)
        return min(newest, key=lambda each: order.index(each.outcome) if each.outcome in order else -1)

    def _last_resort(self, patience: float) -> Started:
        if self.decided:
            return self._best(list(self.decided.values()))
        raise NotFound(
            f"Expected the upload to start an execution within {patience:.0f} s, found none. Look whether the rule of "
            "the raw bucket is enabled and whether its dead letter queue holds messages; see `trainyard executions`."
        )


def plan_of(deployment: Deployment, execution: Execution) -> Mapping[str, Any] | None:
    """What the first state decided; None while it has not, and a failed start as a plan with that outcome."""
    first = visits(executions.history(deployment.target, execution.arn))[:1]
    if first and isinstance(first[0].output, Mapping):
        return first[0].output
    if not execution.running:
        return {"outcome": "failed", "reason": execution.cause or execution.error or execution.status}
    return None
