"""Executions that ran when the local cloud ended: they failed, with a reason, and people hear of it; in the server."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping

from ministack.core.arn import parse_arn
from ministack.core.responses import request_scope

from local_cloud.step_functions import announced, status
from local_cloud.step_functions.history import Record, last_trail

logger = logging.getLogger("local_cloud.step_functions")

ERROR = "States.ServiceRestart"
# Events of a task that has not ended.
OPEN = ("TaskScheduled", "TaskStarted", "TaskSubmitted")
# What the answer to a job's creation names it by, and what a sentence calls such a job.
JOBS: Mapping[str, str] = {
    "TrainingJobArn": "training job",
    "ProcessingJobArn": "processing job",
    "HyperParameterTuningJobArn": "tuning job",
    "TransformJobArn": "transform job",
    "JobRunId": "Glue job run",
    "ExecutionArn": "execution",
}

_interrupted: dict[str, Record] = {}


def interrupted(record: Record) -> None:
    """Say in the record of an execution that ran when the server ended why it failed, and remember to tell people."""
    cause = cause_of(record)
    record.update(error=ERROR, cause=cause)
    last_trail(record).record("ExecutionFailed", error=ERROR, cause=cause)
    _interrupted[record["executionArn"]] = record


def tell() -> None:
    """Announce every end that was not announced, by the crash itself or before one; once the rules are restored."""
    untold = {**_interrupted, **{each["executionArn"]: each for each in announced.left_out()}}
    _interrupted.clear()
    for arn, record in sorted(untold.items(), key=lambda each: str(each[1].get("startDate"))):
        logger.info("Telling that %s ended as %s", arn, record["status"])
        target = parse_arn(arn)
        with request_scope(target.account_id, target.region):
            status.emit(record)
    announced.forget_deleted()


def cause_of(record: Record) -> str:
    """What happened to an execution that the end of the server interrupted, which job ran, and what to do.

    >>> cause_of({"name": "e1", "events": []})
    'The local cloud ended while this execution ran. `trainyard redrive e1` goes on from the state it was in.'
    """
    running = list(_running(record["events"]))
    where = f" ({'; '.join(running)})" if running else ""
    jobs = any(" was running and ended with it" in each for each in running)
    again = ", and starts its job again" if jobs else ""
    return (
        f"The local cloud ended while this execution ran{where}. "
        f"`trainyard redrive {record['name']}` goes on from the state it was in{again}."
    )


def _running(events: list[Record]) -> Iterator[str]:
    """Each state that had not ended, with its job."""
    by_id = {each["id"]: each for each in events}
    followed = {each.get("previousEventId") for each in events}
    for tip in (each for each in events if each["id"] not in followed):
        state = _state_of(tip, by_id)
        if state and tip["type"] in OPEN:
            yield f"in {state!r} {job} was running and ended with it" if (job := _job(tip)) else f"in {state!r}"
        elif state and not tip["type"].endswith(("StateExited", "IterationSucceeded")):
            yield f"in {state!r}"


def _state_of(event: Record, by_id: Mapping[int, Record]) -> str:
    """The state that an event belongs to: the one entered last in its flow of control."""
    found: Record | None = event
    while found is not None:
        if "stateEnteredEventDetails" in found:
            return str(found["stateEnteredEventDetails"]["name"])
        found = by_id.get(found.get("previousEventId") or 0)
    return ""


def _job(event: Record) -> str:
    """Kind and name of the job that a submitted task started; empty for any other task."""
    output = event.get("taskSubmittedEventDetails", {}).get("output") or "{}"
    answer = json.loads(output)
    for member, title in JOBS.items():
        if isinstance(answer, dict) and member in answer:
            # The last part of the ARN; the number of a Glue run stays whole.
            return f"the {title} {str(answer[member]).rpartition('/')[2].rpartition(':')[2]}"
    return ""
