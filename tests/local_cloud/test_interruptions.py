"""What people read about an execution that the end of the local cloud interrupted."""

from __future__ import annotations

import json
from typing import Any

from local_cloud.step_functions.interruptions import cause_of

ARN = "arn:aws:sagemaker:us-east-1:000000000000:training-job/train-1"


def execution(*events: tuple[int, str, dict[str, Any]]) -> dict[str, Any]:
    """An execution with these events: what each follows, its type and its details."""
    made = []
    for number, (previous, kind, details) in enumerate(events, 1):
        name = (
            "stateEnteredEventDetails" if kind.endswith("StateEntered") else f"{kind[0].lower()}{kind[1:]}EventDetails"
        )
        made.append({"id": number, "type": kind, "previousEventId": previous, name: details})
    return {"name": "e1", "events": made}


def submitted(**answer: str) -> dict[str, Any]:
    return {"output": json.dumps(answer)}


def test_the_job_that_was_running_is_named() -> None:
    record = execution(
        (0, "ExecutionStarted", {}),
        (1, "TaskStateEntered", {"name": "Train model"}),
        (2, "TaskScheduled", {}),
        (3, "TaskStarted", {}),
        (4, "TaskSubmitted", submitted(TrainingJobArn=ARN)),
    )
    assert cause_of(record) == (
        "The local cloud ended while this execution ran (in 'Train model' the training job train-1 was running and "
        "ended with it). `trainyard redrive e1` goes on from the state it was in, and starts its job again."
    )


def test_every_branch_that_had_not_ended_is_named() -> None:
    record = execution(
        (0, "ExecutionStarted", {}),
        (1, "MapStateEntered", {"name": "Train every child"}),
        (2, "MapStateStarted", {}),
        (3, "TaskStateEntered", {"name": "First"}),
        (4, "TaskSubmitted", submitted(ExecutionArn="arn:aws:states:us-east-1:000000000000:execution:m:child-1")),
        (3, "TaskStateEntered", {"name": "Second"}),
        (6, "TaskSubmitted", submitted(JobRunId="jr_1")),
        (3, "PassStateEntered", {"name": "Third"}),
        (8, "PassStateExited", {"name": "Third"}),
    )
    cause = cause_of(record)
    assert "in 'First' the execution child-1 was running" in cause
    assert "in 'Second' the Glue job run jr_1 was running" in cause
    assert "Third" not in cause


def test_a_state_without_a_job_is_named_alone() -> None:
    record = execution((0, "ExecutionStarted", {}), (1, "WaitStateEntered", {"name": "Wait"}))
    assert cause_of(record) == (
        "The local cloud ended while this execution ran (in 'Wait'). "
        "`trainyard redrive e1` goes on from the state it was in."
    )


def test_an_execution_that_had_not_begun_has_a_reason_too() -> None:
    assert cause_of(execution((0, "ExecutionStarted", {}))) == (
        "The local cloud ended while this execution ran. `trainyard redrive e1` goes on from the state it was in."
    )
