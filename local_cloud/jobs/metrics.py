"""Finds metric values in a job's log lines with SageMaker's MetricDefinitions; runs in the server."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One value of a metric and when it was printed, in seconds since 1970."""

    timestamp: float
    value: float


class MetricLog:
    """The history of every defined metric of one job; safe to read while the job writes."""

    def __init__(self, definitions: Iterable[Mapping[str, str]]) -> None:
        self._patterns = [(each["Name"], re.compile(each["Regex"])) for each in definitions]
        self._history: dict[str, list[Point]] = {}
        self._lock = threading.Lock()

    def scan(self, line: str) -> None:
        """Record what the line says; the first group of a definition's expression is the value."""
        for name, pattern in self._patterns:
            for found in pattern.finditer(line):
                value = _number(found.group(1) if pattern.groups else found.group(0))
                if value is not None:
                    with self._lock:
                        self._history.setdefault(name, []).append(Point(time.time(), value))

    def values(self, name: str) -> list[float]:
        """Values of one metric in the order printed."""
        with self._lock:
            return [point.value for point in self._history.get(name, ())]

    def final(self) -> list[dict[str, str | float]]:
        """FinalMetricDataList: the last value of each metric that was printed."""
        with self._lock:
            last = {name: points[-1] for name, points in self._history.items()}
        return [
            {"MetricName": name, "Value": point.value, "Timestamp": point.timestamp} for name, point in last.items()
        ]

    def history(self) -> dict[str, list[list[float]]]:
        """Every metric's [timestamp, value] pairs, as plain JSON."""
        with self._lock:
            return {name: [[each.timestamp, each.value] for each in points] for name, points in self._history.items()}


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    # JSON has no word for these, and CloudWatch refuses them as well.
    return value if math.isfinite(value) else None
