"""Finds out from an execution's history why it failed, in words that a person can act on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainyard.stages.explain_failure import job_logs
from trainyard.stages.explain_failure.job_logs import JobLog

# By what names it, in a failed job's description of itself.
LOGS: Mapping[str, Callable[[str], JobLog]] = {
    "ProcessingJobName": job_logs.of_processing_job,
    "TrainingJobName": job_logs.of_training_job,
    "HyperParameterTuningJobName": job_logs.of_tuning_job,
    "JobRunId": job_logs.of_glue_run,
    "Id": job_logs.of_glue_run,
}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The root cause: the state, the error, one reason, and the job with its log, where it was one."""

    state: str
    error: str
    reason: str
    job: str = ""
    log: JobLog | None = None


def root_cause(events: Sequence[Mapping[str, Any]], *, status: str) -> Failure:
    """The failure in an execution's events (oldest first, as GetExecutionHistory gives them)."""
    state, error, cause = "", status, ""
    for event in events:
        entered = event.get("stateEnteredEventDetails")
        if entered:
            state = entered["name"]
        details = _failure_details(event)
        if details:
            error, cause = details.get("error") or error, details.get("cause") or cause
    document = _document(cause)
    kind = next((name for name in LOGS if document.get(name)), "")
    job = str(document.get(kind, ""))
    log = LOGS[kind](job) if kind else None
    return Failure(state=state, error=error, reason=_reason(document, cause), job=job, log=log)


def reason_of(cause: str) -> str:
    """What a reader needs of a failure's cause: a failed job's own reason out of its description."""
    return _reason(_document(cause), cause)


def _failure_details(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Details of any event that ends a task or the execution badly."""
    for key, details in event.items():
        if key.endswith("EventDetails") and any(word in key for word in ("Failed", "TimedOut", "Aborted")):
            return details or {}
    return None


def _document(cause: str) -> Mapping[str, Any]:
    """A failed `.sync` job reports its own description as JSON text; anything else has no document."""
    try:
        document = json.loads(cause)
    except json.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _reason(document: Mapping[str, Any], cause: str) -> str:
    for key in ("FailureReason", "ExitMessage", "ErrorMessage"):
        if document.get(key):
            return str(document[key])
    return cause or "no cause was given"
