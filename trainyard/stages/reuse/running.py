"""Asks whether an execution that reserved a stage goes on; in a Lambda."""

from __future__ import annotations

from typing import Any

GOING_ON = ("RUNNING", "PENDING_REDRIVE")


def runs_still(execution_arn: str, *, states: Any) -> bool:
    """Whether an execution runs; one that nobody knows any more does not. `states` is a client of Step Functions."""
    try:
        status: str = states.describe_execution(executionArn=execution_arn)["status"]
    except states.exceptions.ExecutionDoesNotExist:
        return False
    return status in GOING_ON
