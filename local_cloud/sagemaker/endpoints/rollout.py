"""Moves calls to an endpoint's new fleet in steps while alarms are watched: SageMaker's guardrails; in the server."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_cloud import alarms
from local_cloud.sagemaker.api.errors import invalid, not_implemented
from local_cloud.sagemaker.endpoints.variant import Variant

# How often alarms are looked at while a step is watched: this part of its time, within bounds.
LOOKS, SHORTEST_SECONDS, LONGEST_SECONDS = 20, 0.2, 5.0
DEFAULT_TIMEOUT_SECONDS = 3600.0
# What the documentation allows of the instances that turn at a time.
MOST_AT_A_TIME, LEAST_LINEAR = 0.5, 0.1

# Sends a share of the calls to the new fleet.
Move = Callable[[float], None]
# Tells the stage of the roll-out: what it does, and a sentence.
Tell = Callable[[str, str], None]


@dataclass(frozen=True, kw_only=True)
class RollOut:
    """How calls move: the shares that the new fleet has one after the other, each watched for some seconds."""

    shares: tuple[float, ...] = (1.0,)
    wait_seconds: float = 0.0
    termination_seconds: float = 0.0
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    alarms: tuple[str, ...] = ()

    def carry_out(self, move: Move, *, tell: Tell, judge: Callable[[], None], ended: Callable[[], bool]) -> str:
        """Move all calls; returns why they have to go back, empty when they need not.

        `judge` brings the alarms up to date, and `ended` says that the server ends, which leaves all as it is.
        """
        deadline = time.monotonic() + self.timeout_seconds
        for share in self.shares:
            tell("ActivatingTraffic", f"{share:.0%} of the calls")
            move(share)
            tell("Baking", f"{share:.0%} of the calls for {self.wait_seconds:.0f} s")
            wait = self.wait_seconds + (self.termination_seconds if share == self.shares[-1] else 0.0)
            if reason := self._watched(wait, share=share, deadline=deadline, judge=judge, ended=ended):
                return reason
        return ""

    def _watched(
        self, seconds: float, *, share: float, deadline: float, judge: Callable[[], None], ended: Callable[[], bool]
    ) -> str:
        until = time.monotonic() + seconds
        pause = min(max(seconds / LOOKS, SHORTEST_SECONDS), LONGEST_SECONDS)
        while time.monotonic() < until and not ended():
            time.sleep(min(pause, max(0.0, until - time.monotonic())))
            judge()
            if rings := next(self._ringing(), ""):
                return f"{rings} All calls go to the previous version again; the new one had {share:.0%} of them."
            if time.monotonic() > deadline:
                return f"The deployment took longer than {self.timeout_seconds:.0f} s, its maximum execution timeout."
        return ""

    def _ringing(self) -> Iterator[str]:
        for name in self.alarms:
            state, reason = alarms.state_of(name)
            if state == "ALARM":
                yield f"The alarm {name} is in state ALARM: {reason}"


def roll_out_of(config: Mapping[str, Any] | None, variants: Sequence[Variant]) -> RollOut:
    """What a DeploymentConfig asks for; raises `ServiceError` for what SageMaker refuses too."""
    if not config:
        return RollOut()
    if config.get("RollingUpdatePolicy"):
        raise not_implemented("the parameter RollingUpdatePolicy")
    policy = config.get("BlueGreenUpdatePolicy") or {}
    routing = policy.get("TrafficRoutingConfiguration") or {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    if routing["Type"] != "ALL_AT_ONCE" and any(each.serverless for each in variants):
        raise invalid("Deployment guardrails are not supported for serverless endpoints.")
    made = RollOut(
        shares=_shares(routing, instances=sum(each.instances for each in variants if not each.shadow)),
        wait_seconds=routing["WaitIntervalInSeconds"],
        termination_seconds=policy.get("TerminationWaitInSeconds", 0),
        timeout_seconds=policy.get("MaximumExecutionTimeoutInSeconds", DEFAULT_TIMEOUT_SECONDS),
        alarms=tuple(each["AlarmName"] for each in (config.get("AutoRollbackConfiguration") or {}).get("Alarms", [])),
    )
    _check(made)
    return made


def _check(made: RollOut) -> None:
    waits = len(made.shares) * made.wait_seconds + made.termination_seconds
    if waits > made.timeout_seconds:
        raise invalid(
            f"MaximumExecutionTimeoutInSeconds {made.timeout_seconds:.0f} is less than all waiting, {waits:.0f}."
        )
    if missing := [each for each in made.alarms if not alarms.state_of(each)[0]]:
        raise invalid(f"Could not find alarms {', '.join(missing)}.")


def _shares(routing: Mapping[str, Any], *, instances: int) -> tuple[float, ...]:
    """The share of the new fleet after every step.

    >>> _shares({"Type": "LINEAR", "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 40}}, instances=10)
    (0.4, 0.8, 1.0)
    """
    kind = routing["Type"]
    if kind == "ALL_AT_ONCE":
        return (1.0,)
    member = "CanarySize" if kind == "CANARY" else "LinearStepSize"
    size = routing.get(member)
    if size is None:
        raise invalid(f"Expected {member} for traffic routing of type {kind}.")
    batch = _at_a_time(size, instances)
    share = batch / instances
    if share > MOST_AT_A_TIME or (kind == "LINEAR" and share < LEAST_LINEAR):
        raise invalid(f"{member} is {share:.0%} of {instances} instances; at most {MOST_AT_A_TIME:.0%} are possible.")
    steps = 1 if kind == "CANARY" else math.ceil(instances / batch) - 1
    return (*(round(share * number, 6) for number in range(1, steps + 1)), 1.0)


def _at_a_time(size: Mapping[str, Any], instances: int) -> int:
    value = int(size["Value"])
    return value if size["Type"] == "INSTANCE_COUNT" else max(1, math.ceil(value * instances / 100))
