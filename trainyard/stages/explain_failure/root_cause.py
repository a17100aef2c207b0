"""Finds out from an execution's history why it failed, in words that a person can act on; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trainyard.stages.explain_failure import job_logs
from trainyard.stages.explain_failure.cause import NO_CAUSE, document_of, reason_in
from trainyard.stages.explain_failure.history import Fault, History, Visit
from trainyard.stages.explain_failure.job_logs import JobLog

# By what names it, in a job's description of itself and in the request for it.
LOGS: Mapping[str, Callable[[str], JobLog]] = {
    "ProcessingJobName": job_logs.of_processing_job,
    "TrainingJobName": job_logs.of_training_job,
    "HyperParameterTuningJobName": job_logs.of_tuning_job,
    "JobRunId": job_logs.of_glue_run,
    "Id": job_logs.of_glue_run,
}
# What a run of a Glue job says beside its own id; no other kind of job does.
JOB_NAME = "JobName"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The root cause: the state, the error, one reason, and the job with its log, where it was one.

    `where` is the state with the Map and the item that it belongs to; `document` the job's description of itself.
    """

    state: str
    error: str
    reason: str
    where: str = ""
    job: str = ""
    log: JobLog | None = None
    document: Mapping[str, Any] = field(default_factory=dict)


def root_cause(events: Sequence[Mapping[str, Any]], *, status: str) -> Failure:
    """The failure in an execution's events (oldest first, as GetExecutionHistory gives them)."""
    history = History.of(events)
    visit, fault = _failed(history)
    end = history.end or Fault(event="", error="", cause="")
    fault = fault or end
    document = document_of(fault.cause)
    named = document if any(document.get(each) for each in LOGS) else _begun(visit, fault)
    kind = next((name for name in LOGS if named.get(name)), "")
    job = str(named.get(kind, ""))
    return Failure(
        state=visit.name if visit else "",
        error=fault.error or end.error or status,
        reason=_reason(fault, document=document, visit=visit, job=job, status=status),
        where=_where(visit),
        job=job,
        log=_log(kind, job, job_name=str(named.get(JOB_NAME, ""))) if kind else None,
        document=document,
    )


def _failed(history: History) -> tuple[Visit | None, Fault | None]:
    """The visit that failed first and was not gone on from, with what it failed with; else the last one open."""
    standing = [each for each in history.failed if each.open and each.fault is not None]
    own = [each for each in standing if each.fault and not each.fault.event.startswith("Map")]
    for visit in [*own, *standing]:
        return visit, visit.fault
    unfinished = [each for each in history.visits if each.open] or history.visits
    return (unfinished[-1] if unfinished else None), None


def _begun(visit: Visit | None, fault: Fault) -> Mapping[str, Any]:
    """What names the job that a state was waiting for when it or the execution was ended, from request and answer.

    A call that failed has begun no job.
    """
    if visit is None or not visit.open or fault.event.endswith("Failed"):
        return {}
    known = {**visit.parameters, **visit.submitted}
    return {name: known[name] for name in (*LOGS, JOB_NAME) if known.get(name)}


def _log(kind: str, job: str, *, job_name: str) -> JobLog:
    return replace(LOGS[kind](job), groups=job_logs.of_glue_run(job, job_name).groups) if job_name else LOGS[kind](job)


def _reason(fault: Fault, *, document: Mapping[str, Any], visit: Visit | None, job: str, status: str) -> str:
    with_it = f" Job {job}, which was running, was stopped with it." if job else ""
    if status == "ABORTED":
        said = f"It was stopped: {fault.cause}" if fault.cause else "It was stopped by a call of StopExecution."
        return said.rstrip(".") + f".{with_it}"
    if status == "TIMED_OUT" and fault.event in ("ExecutionTimedOut", ""):
        return f"It ran longer than the limit of the whole workflow (TimeoutSeconds of the state machine).{with_it}"
    if fault.event.endswith("TimedOut") and not fault.cause:
        limit = f" of {visit.limit:,} seconds" if visit and visit.limit else ""
        return f"The state took longer than its limit{limit}, at which the workflow ends it.{with_it}"
    return reason_in(document) or fault.cause or NO_CAUSE


def _where(visit: Visit | None) -> str:
    """The state, and of an item of a Map also which one: by the name in its input, if it has one."""
    if visit is None or not visit.outer:
        return visit.name if visit else ""
    item = str(visit.input.get("name") or "") if isinstance(visit.input, Mapping) else ""
    return f"{visit.name} in {visit.outer}" + (f", item {item}" if item else "")
