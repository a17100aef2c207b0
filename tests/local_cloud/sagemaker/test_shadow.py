"""A variant in the shadow gets copies of an endpoint's calls; callers never hear of it, whatever it does."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.endpoints import shadow as shadow_module
from local_cloud.sagemaker.endpoints.client import Unreachable
from local_cloud.sagemaker.endpoints.pending import summaries
from local_cloud.sagemaker.endpoints.shadow import MOST_BYTES, MOST_COPIES, THREADS, Shadow
from tests.local_cloud.processes import runs, until

from ..tiny_images import unique
from .test_roll_out import FOUR, guardrails
from .tiny_models import Callers, Host

INSTANCE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
# More than a caller of a tiny model waits, less than a slow one takes.
FAST_SECONDS = 0.9


def noted(notes: Path) -> list[dict[str, Any]]:
    """What containers were asked, in the order of their notes."""
    return [json.loads(each) for each in notes.read_text().splitlines()] if notes.exists() else []


def words(notes: Path) -> Counter[str]:
    return Counter(each["word"] for each in noted(notes))


def test_the_shadow_is_asked_the_same_and_the_caller_hears_the_other_alone(host: Host, tmp_path: Path) -> None:
    notes, name = tmp_path / "notes", host.endpoint("champion", shadow="challenger")
    document = {"a": 1, "note": str(notes)}
    for target in ({}, {"TargetVariant": "all"}):
        answer = host.runtime.invoke_endpoint(
            EndpointName=name, Body=json.dumps(document), ContentType="application/json", Accept="text/csv",
            InferenceId="i1", **target,
        )  # fmt: skip
        assert answer["InvokedProductionVariant"] == "all"
        assert json.loads(answer["Body"].read())["word"] == "champion"
    until(lambda: len(noted(notes)) == 4)
    assert words(notes) == {"champion": 2, "challenger": 2}
    for each in noted(notes):
        assert (each["given"], each["Accept"], each["X-Amzn-SageMaker-Inference-Id"]) == (document, "text/csv", "i1")
    with pytest.raises(ClientError, match="Variant shadow was not found"):
        host.ask(name, document, TargetVariant="shadow")
    # A call that the caller sees fail is one that the shadow gets too; one that no container gets is none.
    with pytest.raises(ClientError, match="422"):
        host.ask(name, {**document, "status": 422})
    with pytest.raises(ClientError, match="exceeded limit"):
        host.ask(name, {**document, "text": "x" * 26 * 1024 * 1024})
    until(lambda: words(notes)["challenger"] == 3)


def test_a_share_of_the_calls_is_copied(host: Host, tmp_path: Path) -> None:
    notes, name, calls = tmp_path / "notes", host.endpoint("champion", shadow="challenger", share=0.5), 200
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: host.ask(name, {"note": str(notes)}), range(calls)))
    until(lambda: words(notes)["champion"] == calls)
    time.sleep(0.3)
    # Seven deviations of a binomial distribution: once in 10^11 runs.
    assert 50 < words(notes)["challenger"] < 150


@pytest.mark.parametrize("shadow", ["faulty", "slow", "hanging"])
def test_a_bad_shadow_harms_no_caller_and_goes_with_an_update(host: Host, tmp_path: Path, shadow: str) -> None:
    notes, name = tmp_path / "notes", host.endpoint("champion", shadow=shadow)
    seconds = []
    with Callers(host, name, body=json.dumps({"note": str(notes), "seconds": 0.02}).encode()) as callers:
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            started = time.monotonic()
            host.ask(name)
            seconds.append(time.monotonic() - started)
        pid = until(lambda: next((each["pid"] for each in noted(notes) if each["word"] == shadow), None))
        host.client.update_endpoint(EndpointName=name, EndpointConfigName=host.config("next"))
        described = host.settled(name)
        time.sleep(0.2)
    assert callers.failures == []
    assert median(seconds) < FAST_SECONDS
    assert set(callers.words) == {"champion", "next"}
    assert "ShadowProductionVariants" not in described
    until(lambda: not runs(pid))


def test_describe_shows_the_shadow_beside_what_answers(host: Host) -> None:
    name = host.endpoint("champion", shadow="challenger", share=0.25)
    described = host.client.describe_endpoint(EndpointName=name)
    [production], [shadow] = described["ProductionVariants"], described["ShadowProductionVariants"]
    assert (production["VariantName"], production["CurrentWeight"]) == ("all", 1.0)
    assert (shadow["VariantName"], shadow["CurrentWeight"], shadow["CurrentInstanceCount"]) == ("shadow", 0.25, 1)
    assert shadow["DeployedImages"][0]["SpecifiedImage"] == host.image
    config = host.client.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    assert config["ShadowProductionVariants"][0]["InitialVariantWeight"] == 0.25


def test_records_of_earlier_servers_have_no_shadow() -> None:
    earlier = {
        "name": "all", "image": "i", "model_data": "", "environment": {}, "role_arn": "r", "configuration": "c",
        "weight": 1.0, "instances": 1, "serverless": None, "start_seconds": 480.0,
    }  # fmt: skip
    shown = summaries([earlier])
    assert list(shown) == ["ProductionVariants"]
    assert shown["ProductionVariants"][0]["VariantName"] == "all"


def test_a_shadow_that_does_not_start_fails_what_asked_for_it(host: Host) -> None:
    name = unique("endpoint")
    host.client.create_endpoint(EndpointName=name, EndpointConfigName=host.config("champion", shadow="broken"))
    described = host.settled(name)
    assert described["EndpointStatus"] == "Failed"
    assert "container for shadow variant shadow did not pass the ping health check" in described["FailureReason"]
    name = host.endpoint("champion", shadow="challenger")
    before = host.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    host.client.update_endpoint(EndpointName=name, EndpointConfigName=host.config("next", shadow="broken"))
    described = host.settled(name)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", before)
    assert "cannot load this model" in described["FailureReason"]
    assert "ShadowProductionVariants" in described
    assert host.ask(name)["word"] == "champion"


def metrics(host: Host, name: str, variant: str, config: str) -> dict[str, float]:
    """The sums that CloudWatch has of a variant of a configuration."""
    dimensions = {"EndpointName": name, "VariantName": variant, "EndpointConfigName": config}
    sums = {}
    for metric in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "ModelLatency"):
        points = host.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName=metric, Period=3600, Statistics=["Sum"],
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=time.time() - 3600, EndTime=time.time() + 60,
        )["Datapoints"]  # fmt: skip
        sums[metric] = sum(each["Sum"] for each in points)
    return sums


def test_while_calls_move_each_fleet_copies_its_own_to_its_own_shadow(host: Host, tmp_path: Path) -> None:
    notes, name = tmp_path / "notes", host.endpoint("old", shadow="old-shadow", **FOUR)
    before = host.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    following = host.config("new", shadow="faulty", **FOUR)
    body = json.dumps({"note": str(notes), "seconds": 0.02}).encode()
    with Callers(host, name, body=body) as callers:
        config = guardrails("CANARY", wait=1)
        host.client.update_endpoint(EndpointName=name, EndpointConfigName=following, DeploymentConfig=config)
        pending = host.stage(name, "Baking")
        assert host.settled(name)["EndpointConfigName"] == following
    assert callers.failures == []
    assert pending["ShadowProductionVariants"][0]["VariantStatus"][0]["Status"] == "Baking"
    # One of four instances, whatever the shadow has.
    assert pending["ProductionVariants"][0]["VariantStatus"][0]["StatusMessage"] == "25% of the calls for 1 s"
    until(lambda: words(notes)["faulty"] == words(notes)["new"] > 0)
    # Copies in progress may end with their fleet.
    assert words(notes)["old"] / 2 < words(notes)["old-shadow"] <= words(notes)["old"]
    counted = {config: metrics(host, name, "shadow", config) for config in (before, following)}
    assert counted[before]["Invocations"] > counted[before]["Invocation5XXErrors"] == 0
    assert counted[following]["Invocations"] == counted[following]["Invocation5XXErrors"] > 0
    assert all(each["ModelLatency"] > 0 and each["Invocation4XXErrors"] == 0 for each in counted.values())
    assert metrics(host, name, "all", following)["Invocation5XXErrors"] == 0


def test_configurations_with_shadows_are_checked(host: Host) -> None:
    model, other = host.model("champion"), host.model("challenger")
    champion, shadow = ({"ModelName": each, **INSTANCE} for each in (model, other))
    all_of_them, beside = {"VariantName": "all", **champion}, {"VariantName": "shadow", **shadow}
    serverless = {"VariantName": "shadow", "ModelName": other, **SERVERLESS}
    cases: tuple[tuple[list[dict[str, Any]], list[dict[str, Any]], str], ...] = (
        ([all_of_them], [beside, {**beside, "VariantName": "more"}], "found 2 beside 1"),
        ([all_of_them, {**all_of_them, "VariantName": "more"}], [beside], "found 1 beside 2"),
        ([all_of_them], [{**beside, "VariantName": "all"}], "different names, found all, all"),
        ([all_of_them], [serverless], "variants on instances .* found ServerlessConfig in variant shadow"),
        ([{**serverless, "VariantName": "all"}], [beside], "found ServerlessConfig in variant all"),
        ([{**all_of_them, "InitialVariantWeight": 0}], [beside], "InitialVariantWeight above 0 .* in variant all"),
        ([all_of_them], [{**beside, "ModelName": "no-such-model"}], "Could not find model"),
        ([all_of_them], [{"VariantName": "shadow", "ModelName": other}], "either ServerlessConfig or InstanceType"),
        ([all_of_them], [{**beside, "RoutingConfig": {"RoutingStrategy": "RANDOM"}}], "RoutingConfig"),
    )
    for production, shadows, problem in cases:
        with pytest.raises(ClientError, match=problem):
            host.client.create_endpoint_config(
                EndpointConfigName=unique("config"), ProductionVariants=production, ShadowProductionVariants=shadows
            )


@dataclass
class Held:
    """A container whose answers can be held back; ended, it gives none."""

    status: int = 200
    asked: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    stopped: bool = False
    variant: Any = field(default_factory=lambda: SimpleNamespace(name="shadow"))

    @property
    def client(self) -> Held:
        return self

    def invoke(self, body: bytes, headers: Any) -> Any:
        self.asked.append(body)
        self.released.wait()
        if self.stopped:
            raise Unreachable("ended")
        return SimpleNamespace(status=self.status)

    def close(self) -> None:
        self.stopped = True
        self.released.set()


@pytest.fixture
def server() -> Iterator[Held]:
    """A container that answers nothing until it is released; threads must not wait for it after a test that failed."""
    made = Held()
    yield made
    made.close()


def shadow_of(server: Held, *, share: float = 1.0) -> tuple[Shadow, MagicMock]:
    metrics = MagicMock()
    return Shadow("tiny", server, share=share, metrics=metrics), metrics.note  # type: ignore[arg-type]


def test_copies_beyond_the_bound_are_dropped_and_told_in_one_line(
    server: Held, caplog: pytest.LogCaptureFixture
) -> None:
    shadow, note = shadow_of(server)
    with caplog.at_level(logging.WARNING):
        started = time.monotonic()
        for _ in range(MOST_COPIES + 50):
            shadow.copy(b"call", {})
        assert time.monotonic() - started < FAST_SECONDS
        until(lambda: len(server.asked) == THREADS)
        assert [each.getMessage() for each in caplog.records] == [
            "tiny: shadow variant shadow dropped 1 copies of calls so far: it is slower than they come"
        ]
        server.released.set()
        until(lambda: note.call_count == MOST_COPIES)
        shadow.copy(b"fits again", {})
        until(lambda: note.call_count == MOST_COPIES + 1)
        shadow.close()
    assert caplog.messages[1:] == ["tiny: shadow variant shadow dropped 50 copies of calls until its end"]


def test_large_copies_are_bounded_by_their_bytes(server: Held) -> None:
    shadow, note = shadow_of(server)
    body, fitting = b"x" * (MOST_BYTES // 5), 5
    for _ in range(fitting + 10):
        shadow.copy(body, {})
    server.released.set()
    until(lambda: note.call_count == fitting)
    shadow.close()
    assert len(server.asked) == fitting


def test_a_hanging_shadow_ends_at_once_and_what_it_was_not_let_answer_is_no_fault(
    server: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow_module, "CLOSE_SECONDS", 0.1)
    shadow, note = shadow_of(server)
    for _ in range(MOST_COPIES):
        shadow.copy(b"call", {})
    until(lambda: len(server.asked) == THREADS)
    started = time.monotonic()
    shadow.close()
    assert time.monotonic() - started < FAST_SECONDS
    until(lambda: not any(each.name.startswith("shadow-tiny") for each in threading.enumerate()))
    shadow.copy(b"too late", {})
    # Those that waited were never sent.
    assert len(server.asked) == THREADS
    note.assert_not_called()


@pytest.mark.parametrize(("share", "copies"), [(0.0, 0), (0.25, 540), (1.0, 2000), (3.0, 2000)])
def test_the_share_says_how_many_are_copied(
    server: Held, monkeypatch: pytest.MonkeyPatch, share: float, copies: int
) -> None:
    monkeypatch.setattr(shadow_module.random, "random", random.Random(7).random)
    monkeypatch.setattr(shadow_module, "MOST_COPIES", 2000)
    server.status = 422
    server.released.set()
    shadow, note = shadow_of(server, share=share)
    for _ in range(2000):
        shadow.copy(b"call", {})
    until(lambda: note.call_count == copies)
    shadow.close()
    assert len(server.asked) == copies
    assert all(each.kwargs["status"] == 422 for each in note.call_args_list)
