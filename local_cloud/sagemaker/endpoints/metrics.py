"""Counts the calls of endpoints and hands them to CloudWatch as the metrics that SageMaker has; runs in the server."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ministack import app
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch

from local_cloud.sagemaker.endpoints.variant import Variant

NAMESPACE = "AWS/SageMaker"
# AWS keeps a point a minute for 15 days; a laptop, whose every point is written with the next, for some hours.
MINUTE_SECONDS, KEPT_SECONDS = 60.0, 3 * 3600.0


class Served(NamedTuple):
    """Whose calls are counted together: those of one variant of one configuration of an endpoint."""

    account: str
    region: str
    endpoint: str
    variant: str
    configuration: str


@dataclass
class Calls:
    """What has come since it was handed over: answers by the first digit of their status, and latencies in us."""

    answers: Counter[int] = field(default_factory=Counter)
    latencies: Counter[float] = field(default_factory=Counter)


class CallMetrics:
    """The calls of all endpoints. They are handed over a minute after the first one, or when somebody asks for it."""

    def __init__(self) -> None:
        self._calls: dict[Served, Calls] = {}
        self._lock = threading.Lock()
        self._waits = False

    def note(self, endpoint: str, variant: Variant, *, status: int, seconds: float) -> None:
        """One call that reached a container: the status of its answer (500 for none), and how long that took."""
        served = Served(get_account_id(), get_region(), endpoint, variant.name, variant.configuration)
        with self._lock:
            calls = self._calls.setdefault(served, Calls())
            calls.answers[status // 100] += 1
            # Two digits: a percentile needs no more, and like latencies make one point.
            calls.latencies[float(f"{seconds * 1e6:.1e}")] += 1
            begin, self._waits = not self._waits, True
        if begin:
            timer = threading.Timer(MINUTE_SECONDS, self.publish)
            timer.daemon = True
            timer.start()

    def publish(self) -> None:
        """Hand over what was counted, and let every alarm be judged by it."""
        with self._lock:
            counted, self._calls, self._waits = self._calls, {}, False
        for served, calls in counted.items():
            with request_scope(served.account, served.region):
                _put(served, calls)

    def judge(self) -> None:
        """Hand over what was counted, and judge the alarms of the caller's account and region, whatever came."""
        self.publish()
        _call(_evaluate, {})


def _put(served: Served, calls: Calls) -> None:
    variant = {"EndpointName": served.endpoint, "VariantName": served.variant}
    # While an update is in progress, AWS tells the fleets apart by the configuration.
    fleet = {**variant, "EndpointConfigName": served.configuration}
    total = calls.answers.total()
    values: Mapping[str, Mapping[float, int]] = {
        "Invocations": {1.0: total},
        # As in AWS one value for every call, so that the average is the share.
        **{
            f"Invocation{digit}XXErrors": {0.0: total - calls.answers[digit], 1.0: calls.answers[digit]}
            for digit in (4, 5)
        },
        "ModelLatency": calls.latencies,
    }
    data = [_datum(name, each, dimensions=whose) for whose in (variant, fleet) for name, each in values.items()]
    _call(_prune_and_put, {"Namespace": NAMESPACE, "MetricData": data})


def _datum(name: str, values: Mapping[float, int], *, dimensions: Mapping[str, str]) -> dict[str, Any]:
    seen = {value: count for value, count in values.items() if count}
    return {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        "Unit": "Microseconds" if name == "ModelLatency" else "None",
        "Values": list(seen),
        "Counts": list(seen.values()),
    }


def _call(handler: Any, request: Mapping[str, Any]) -> None:
    """Run on the server's own thread, where CloudWatch changes its metrics."""
    headers = {"content-type": "application/json", "x-amz-target": "GraniteServiceVersion20100801.PutMetricData"}
    app.call_service_handler_sync(handler, "POST", "/", headers, json.dumps(request).encode(), {})


async def _prune_and_put(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:  # noqa: PLR0917
    response = await cloudwatch.handle_request(method, path, headers, body, query)
    request = json.loads(body)
    _prune(request["MetricData"])
    return response


async def _evaluate(*_request: Any) -> None:
    cloudwatch._evaluate_all_alarms()


def _prune(data: Iterable[Mapping[str, Any]]) -> None:
    oldest = time.time() - KEPT_SECONDS
    for each in data:
        dimensions = {pair["Name"]: pair["Value"] for pair in each["Dimensions"]}
        points = cloudwatch._metric_bucket((NAMESPACE, each["MetricName"], cloudwatch._dims_key(dimensions)))
        points[:] = [point for point in points if point["Timestamp"] >= oldest]
