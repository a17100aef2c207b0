"""What a running job prints so that people and the tuner can follow it."""

from __future__ import annotations

import re

METRIC_NAME = re.compile(r"[a-z][a-z0-9_]*")


def metric(name: str, value: float) -> None:
    """Print `name=value;`, the form that `metric_regex` finds in the log."""
    if not METRIC_NAME.fullmatch(name):
        raise ValueError(f"expected a metric name in lower case with underscores, found {name!r}")
    print(f"{name}={value:.8g};", flush=True)


def metric_regex(name: str) -> str:
    """The regular expression that SageMaker's MetricDefinitions need for a metric."""
    return rf"(?:^|\s){name}=([-+0-9.eEinfa]+);"


def progress(fraction: float, note: str = "") -> None:
    """Print how much of the job is done, from 0 to 1, and what it is doing."""
    print(f"progress={min(max(fraction, 0.0), 1.0):.3f}; {note}".rstrip(), flush=True)
