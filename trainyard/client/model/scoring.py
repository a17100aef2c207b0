"""Starts bulk scoring and checks of requests, and reads a few of the scores and what moved; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.run.files import HEAD_FILE
from trainyard.run.folders import RAW_PREFIX, SCORE_PREFIX
from trainyard.run.stage import Stage
from trainyard.run.watch.drift import DataDrift
from trainyard.stages.resolve.request import NO_DATASET, Request


def start(
    deployment: Deployment, recipe: str, *, dataset: str, uploaded: bool, overrides: Mapping[str, Any]
) -> tuple[str, str]:
    """Start the machine on a data set to score it; returns the execution's ARN and name.

    `uploaded` says that files were uploaded to be scored; otherwise they are a data set that models are trained on.
    """
    folder = SCORE_PREFIX if uploaded else RAW_PREFIX
    request = Request(recipe=recipe, dataset=dataset, overrides=overrides, task="score", folder=folder)
    return executions.start(deployment, request)


def check_requests(deployment: Deployment, recipe: str, *, overrides: Mapping[str, Any]) -> tuple[str, str]:
    """Start the machine to set the requests that an endpoint kept beside what its model learned from.

    Returns the execution's ARN and name.
    """
    request = Request(recipe=recipe, dataset=NO_DATASET, overrides=overrides, task="check_drift")
    return executions.start(deployment, request)


def drift(run: RunArtifacts) -> DataDrift | None:
    """What moved in scored data or requests and in the answers to them, None where nothing was compared."""
    return run.document(Stage.SCORE, DataDrift)


def first_rows(run: RunArtifacts) -> list[dict[str, Any]]:
    """A few scored rows that the job kept to be shown."""
    rows: list[dict[str, Any]] | None = run.json(Stage.SCORE, HEAD_FILE)
    return rows or []
