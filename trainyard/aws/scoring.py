"""Starts bulk scoring and reads what it left to be shown; runs on a laptop."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from trainyard.aws import artifacts
from trainyard.aws.deployment import Deployment
from trainyard.resolve import RAW_PREFIX, SCORE_PREFIX
from trainyard.stages import Stage


def start(
    deployment: Deployment, recipe: str, dataset: str, *, uploaded: bool, overrides: Mapping[str, Any]
) -> tuple[str, str]:
    """Start the machine on a data set to score it; returns the execution's ARN and name.

    `uploaded` says that files were uploaded to be scored; otherwise they are a data set that models are trained on.
    """
    name = f"score-{uuid.uuid4()}"
    answer = deployment.target.client("stepfunctions").start_execution(
        stateMachineArn=deployment.state_machine_arn,
        name=name,
        input=json.dumps(
            {
                "recipe": recipe,
                "dataset": dataset,
                "task": "score",
                "folder": SCORE_PREFIX if uploaded else RAW_PREFIX,
                "overrides": dict(overrides),
            }
        ),
    )
    return str(answer["executionArn"]), name


def first_rows(deployment: Deployment, recipe: str, run_id: str) -> list[dict[str, Any]]:
    """A few scored rows that the job kept to be shown."""
    rows: list[dict[str, Any]] | None = artifacts.document(deployment, f"{recipe}/{run_id}/{Stage.SCORE}/head.json")
    return rows or []
