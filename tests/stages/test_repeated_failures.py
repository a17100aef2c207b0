"""An execution whose task failed for good ends in an evaluation error that repeats the task's cause."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from trainyard.client.execution import history
from trainyard.stages.explain_failure.root_cause import root_cause

JOB = json.dumps({"TrainingJobName": "job-1", "TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError: NaN"})
REPEATED = {
    "error": "States.QueryEvaluationError",
    "cause": f"An error occurred while executing the state 'Train model'. D3137: {JOB}",
}
FAILED = {"error": "States.TaskFailed", "cause": JOB, "resource": "createTrainingJob.sync", "resourceType": "sagemaker"}
SCHEDULED = {"resource": "createTrainingJob.sync", "resourceType": "sagemaker", "region": "r", "parameters": "{}"}
BEGINNING = [
    ("ExecutionStarted", "executionStarted", {"input": "{}"}),
    ("TaskStateEntered", "stateEntered", {"name": "Train model", "input": "{}"}),
    ("TaskScheduled", "taskScheduled", SCHEDULED),
]
LOCAL = [*BEGINNING, ("TaskFailed", "taskFailed", FAILED), ("ExecutionFailed", "executionFailed", REPEATED)]
AWS = [*LOCAL[:-1], ("EvaluationFailed", "evaluationFailed", {**REPEATED, "state": "Train model"}), LOCAL[-1]]


def events(told):
    began = datetime(2026, 11, 28, 12, tzinfo=UTC)
    return [
        {
            "id": number,
            "previousEventId": number - 1,
            "type": kind,
            "timestamp": began + timedelta(seconds=number),
            f"{name}EventDetails": details,
        }
        for number, (kind, name, details) in enumerate(told, 1)
    ]


@pytest.mark.parametrize("told", [LOCAL, AWS], ids=["local", "AWS"])
def test_the_failure_is_the_jobs_own(told):
    failure = root_cause(events(told), status="FAILED")
    assert (failure.state, failure.error, failure.reason) == ("Train model", "States.TaskFailed", "AlgorithmError: NaN")
    assert failure.job == "job-1"


@pytest.mark.parametrize("told", [LOCAL, AWS], ids=["local", "AWS"])
def test_the_visit_of_the_state_shows_the_jobs_own_error(told):
    [visit] = history.visits(events(told))
    assert (visit.status, visit.error, visit.cause) == (history.Status.FAILED, "States.TaskFailed", JOB)


def test_an_evaluation_error_of_its_own_is_one():
    own = {"error": "States.QueryEvaluationError", "cause": "The expression returned nothing.", "state": "Train model"}
    told = [*BEGINNING, ("EvaluationFailed", "evaluationFailed", own), ("ExecutionFailed", "executionFailed", own)]
    failure = root_cause(events(told), status="FAILED")
    assert (failure.error, failure.reason) == (own["error"], own["cause"])
