"""Roll-outs move calls in steps, count them, and go back when an alarm rings."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.endpoints.endpoints import Endpoints
from local_cloud.sagemaker.endpoints.rollout import RollOut, roll_out_of
from local_cloud.sagemaker.endpoints.traffic import Traffic
from local_cloud.sagemaker.endpoints.variant import Variant

from .tiny_models import Callers, Host

FOUR = {"InitialInstanceCount": 4}
WAIT_SECONDS = 2


def guardrails(kind: str, *alarms: str, percent: int = 25, wait: int = WAIT_SECONDS) -> dict[str, Any]:
    routing: dict[str, Any] = {"Type": kind, "WaitIntervalInSeconds": wait}
    size = {"Type": "CAPACITY_PERCENT", "Value": percent}
    routing |= {"CANARY": {"CanarySize": size}, "LINEAR": {"LinearStepSize": size}}.get(kind, {})
    watched = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": each} for each in alarms]}} if alarms else {}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}, **watched}


@pytest.fixture
def alarmed(host: Host) -> Iterator[tuple[str, str]]:
    """An endpoint and the name of an alarm on the share of its calls that fail."""
    name = host.endpoint("good", **FOUR)
    alarm(host, name, "Invocation5XXErrors", Statistic="Average", Threshold=0.01)
    yield name, f"{name}-Invocation5XXErrors"


def alarm(host: Host, name: str, metric: str, *, fleet: str = "", **rule: Any) -> None:
    whose = {"EndpointName": name, "VariantName": "all"} | ({"EndpointConfigName": fleet} if fleet else {})
    host.cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{name}-{metric}",
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in whose.items()],
        Period=60,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **rule,
    )


def updated(host: Host, name: str, word: str, config: dict[str, Any]) -> str:
    """Begin an update; returns the configuration that the endpoint is to get."""
    following = host.config(word, **FOUR)
    host.client.update_endpoint(EndpointName=name, EndpointConfigName=following, DeploymentConfig=config)
    return following


def share(words: list[str], word: str) -> float:
    return words.count(word) / len(words)


def test_a_canary_gets_its_share_of_the_calls_before_it_gets_all(host: Host, alarmed: tuple[str, str]) -> None:
    name, ringing = alarmed
    with Callers(host, name) as callers:
        following = updated(host, name, "better", guardrails("CANARY", ringing))
        baking = host.stage(name, "Baking")
        start = len(callers.words)
        assert baking["EndpointConfigName"] == following
        assert baking["ProductionVariants"][0]["VariantStatus"][0]["StatusMessage"] == "25% of the calls for 2 s"
        assert host.client.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Updating"
        time.sleep(WAIT_SECONDS - 0.5)
        canary = callers.words[start:]
        described = host.settled(name)
        time.sleep(0.3)
    assert callers.failures == []
    assert 0 < share(canary, "better") < 0.6
    assert callers.words[-1] == "better"
    assert (described["EndpointConfigName"], "FailureReason" in described) == (following, False)
    assert "PendingDeploymentSummary" not in described
    assert described["LastDeploymentConfig"]["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": ringing}]}


@pytest.mark.parametrize(
    ("word", "metric", "rule"),
    [
        ("faulty", "Invocation5XXErrors", {"Statistic": "Average", "Threshold": 0.01}),
        # Microseconds; it takes a second.
        ("slow", "ModelLatency", {"ExtendedStatistic": "p99", "Threshold": 700_000}),
    ],
)
def test_a_bad_version_goes_back_within_its_window_and_says_why(
    host: Host, word: str, metric: str, rule: dict[str, Any]
) -> None:
    name = host.endpoint("good", **FOUR)
    before = host.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    alarm(host, name, metric, **rule)
    with Callers(host, name) as callers:
        updated(host, name, word, guardrails("LINEAR", f"{name}-{metric}", wait=20))
        host.stage(name, "Baking")
        started = time.monotonic()
        described = host.settled(name)
        seconds = time.monotonic() - started
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", before)
    assert f"The alarm {name}-{metric} is in state ALARM: Threshold crossed" in described["FailureReason"]
    assert "the new one had 25% of them" in described["FailureReason"]
    assert seconds < 20
    assert all("out of order" in str(each) for each in callers.failures)
    # The old version alone answers again.
    assert {host.ask(name)["word"] for _ in range(20)} == {"good"}


@pytest.mark.parametrize(("before", "now", "stays"), [("good", "faulty", "before"), ("faulty", "better", "now")])
def test_an_alarm_may_be_about_the_new_version_alone(host: Host, before: str, now: str, stays: str) -> None:
    name = host.endpoint(before, **FOUR)
    following = host.config(now, **FOUR)
    # A canary of a quarter that fails every call makes a quarter of all calls fail, and half of none.
    alarm(host, name, "Invocation5XXErrors", fleet=following, Statistic="Average", Threshold=0.5)
    config = guardrails("CANARY", f"{name}-Invocation5XXErrors")
    with Callers(host, name):
        host.client.update_endpoint(EndpointName=name, EndpointConfigName=following, DeploymentConfig=config)
        described = host.settled(name)
    assert (described["EndpointConfigName"] == following) == (stays == "now")
    assert ("FailureReason" in described) == (stays == "before")


def test_a_roll_out_that_meets_a_defect_leaves_all_calls_with_the_version_before() -> None:
    def broken() -> None:
        raise RuntimeError("alarms cannot be judged")

    before, arriving = MagicMock(servers=(1,)), MagicMock(servers=(2,))
    made = Endpoints.__new__(Endpoints)
    made.context, made.metrics = MagicMock(closing=False), MagicMock(judge=broken)
    made._traffic, made._deciding = {"tiny": Traffic(before)}, threading.RLock()
    made._launch, made._stage, made._status = MagicMock(return_value=arriving), MagicMock(), MagicMock()
    made._replace("tiny", {"Deployment": []}, roll_out=RollOut(shares=(0.25, 1.0), wait_seconds=0.1))
    (_, status), changes = made._status.call_args
    assert (status, changes["Pending"]) == ("InService", None)
    assert "alarms cannot be judged" in changes["FailureReason"]
    assert made._traffic["tiny"].servers == (1,)
    arriving.close.assert_called_once()
    before.close.assert_not_called()


def test_an_alarm_is_about_its_own_endpoint(host: Host, alarmed: tuple[str, str]) -> None:
    name, ringing = alarmed
    other = host.endpoint("faulty")
    with pytest.raises(ClientError, match="out of order"):
        host.ask(other)
    with Callers(host, name) as callers:
        following = updated(host, name, "better", guardrails("CANARY", ringing, wait=1))
        assert host.settled(name)["EndpointConfigName"] == following
    assert callers.failures == []


def test_calls_are_counted(host: Host, alarmed: tuple[str, str]) -> None:
    name, ringing = alarmed
    for status in (200, 200, 422, 500):
        try:
            host.ask(name, {} if status == 200 else {"status": status})
        except ClientError:
            continue
    # Every look at alarms hands over what was counted.
    updated(host, name, "better", guardrails("ALL_AT_ONCE", ringing, wait=1))
    described = host.settled(name)
    assert f"The alarm {ringing} is in state ALARM" in described["FailureReason"]
    found = host.cloud.client("cloudwatch").get_metric_statistics
    dimensions = [{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "all"}]

    def summed(metric: str, statistic: str = "Sum") -> float:
        points = found(
            Namespace="AWS/SageMaker", MetricName=metric, Dimensions=dimensions, Period=3600, Statistics=[statistic],
            StartTime=time.time() - 3600, EndTime=time.time() + 60,
        )["Datapoints"]  # fmt: skip
        return sum(each[statistic] for each in points)

    assert (summed("Invocations"), summed("Invocation4XXErrors"), summed("Invocation5XXErrors")) == (4, 1, 1)
    assert 100 < summed("ModelLatency", "Average") < 2_000_000


@pytest.mark.parametrize(
    ("kind", "percent", "instances", "shares"),
    [
        ("ALL_AT_ONCE", 0, 1, (1.0,)),
        ("CANARY", 10, 4, (0.25, 1.0)),
        ("CANARY", 50, 2, (0.5, 1.0)),
        ("LINEAR", 30, 10, (0.3, 0.6, 0.9, 1.0)),
        ("LINEAR", 10, 10, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
        ("LINEAR", 40, 4, (0.5, 1.0)),
    ],
)
def test_whole_instances_turn(kind: str, percent: int, instances: int, shares: tuple[float, ...]) -> None:
    variant = Variant(name="all", image="", model_data="", environment={}, role_arn="", instances=instances)
    assert roll_out_of(guardrails(kind, percent=percent), [variant]).shares == shares


def test_what_sagemaker_refuses_is_refused(host: Host, alarmed: tuple[str, str]) -> None:
    name, ringing = alarmed
    one = {"EndpointName": name, "EndpointConfigName": host.config("one", InitialInstanceCount=1)}
    cases = (
        (guardrails("CANARY", ringing), one, "CanarySize is 100% of 1 instances"),
        (guardrails("CANARY", "no-such-alarm"), {}, "Could not find alarms no-such-alarm"),
        (guardrails("LINEAR", ringing, wait=3000), {}, "MaximumExecutionTimeoutInSeconds 3600 is less than"),
        (guardrails("CANARY", ringing, percent=75), {}, "at most 50%"),
        (guardrails("CANARY"), {"EndpointConfigName": host.config("one", concurrency=1)}, "not supported for serverl"),
    )
    four = {"EndpointName": name, "EndpointConfigName": host.config("four", **FOUR)}
    for config, more, problem in cases:
        with pytest.raises(ClientError, match=problem):
            host.client.update_endpoint(**four | more, DeploymentConfig=config)
    assert host.settled(name)["EndpointStatus"] == "InService"
